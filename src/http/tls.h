#pragma once
// TLS: contexts for servers and clients, and the local authority that signs our certificate.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace slipway::http {

// Opaque: holds an SSL context of OpenSSL; TLS 1.2 and 1.3, ALPN http/1.1, session tickets on.
class TlsServerContext;
class TlsClientContext;

// A PEM certificate chain and its key. invalid_argument when they do not belong together.
Result<std::shared_ptr<TlsServerContext>> make_server_context(const std::string& chain_pem,
                                                              const std::string& key_pem);
// Trusts exactly `ca_pem` (one or more certificates) and checks names and addresses.
Result<std::shared_ptr<TlsClientContext>> make_client_context(const std::string& ca_pem);

struct CertificateAndKey {
  std::string certificate_pem;
  std::string key_pem;
};
// An authority (P-256, ten years), and a server certificate it signs (397 days) for DNS names and
// IP addresses.
Result<CertificateAndKey> make_authority(const std::string& common_name, const Clock& clock);
Result<CertificateAndKey> issue_certificate(const CertificateAndKey& authority,
                                            const std::vector<std::string>& names,
                                            const Clock& clock);
// When the certificate stops being valid.
Result<TimeMs> expiry(const std::string& certificate_pem);

}  // namespace slipway::http

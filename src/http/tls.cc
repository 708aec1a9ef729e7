#include "http/tls.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>

#include "http/tls_context.h"

namespace slipway::http {
namespace {

namespace ssl = boost::asio::ssl;

// ECDHE with AEAD only; the ones of TLS 1.3 are all of that kind.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// Length-prefixed names (RFC 7301). HTTP/2 joins here when it is spoken.
constexpr unsigned char kProtocols[] = "\x08http/1.1";
constexpr unsigned kProtocolsSize = sizeof kProtocols - 1;

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, kProtocols, kProtocolsSize, offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

Error tls_refused(const std::string& what) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, openssl_reason()));
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "OpenSSL gives no reason" : reason;
}

void expect_peer(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  unsigned char address[sizeof(in6_addr)];
  const bool is_address = ::inet_pton(AF_INET, host.c_str(), address) == 1 ||
                          ::inet_pton(AF_INET6, host.c_str(), address) == 1;
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str());
    return;
  }
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
  SSL_set_tlsext_host_name(ssl, host.c_str());
}

Result<std::shared_ptr<TlsServerContext>> make_server_context(const std::string& chain_pem,
                                                              const std::string& key_pem) {
  auto out = std::make_shared<TlsServerContext>();
  SSL_CTX* native = out->context.native_handle();
  set_common(native);
  boost::system::error_code ec;
  out->context.use_certificate_chain(boost::asio::buffer(chain_pem), ec);
  if (ec) return tls_refused("the certificate chain cannot be read as PEM");
  out->context.use_private_key(boost::asio::buffer(key_pem), ssl::context::pem, ec);
  if (ec) return tls_refused("the private key is not PEM or does not belong to the certificate");
  if (SSL_CTX_check_private_key(native) != 1)
    return tls_refused("the private key does not belong to the certificate");
  static constexpr unsigned char kSessionContext[] = "slipway";
  SSL_CTX_set_session_id_context(native, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_alpn_select_cb(native, &choose_protocol, nullptr);
  return out;
}

Result<std::shared_ptr<TlsClientContext>> make_client_context(const std::string& ca_pem) {
  auto out = std::make_shared<TlsClientContext>();
  SSL_CTX* native = out->context.native_handle();
  set_common(native);
  boost::system::error_code ec;
  out->context.add_certificate_authority(boost::asio::buffer(ca_pem), ec);
  if (ec) return tls_refused("the authority's certificate cannot be read as PEM");
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(native, kProtocols, kProtocolsSize);
  return out;
}

}  // namespace slipway::http

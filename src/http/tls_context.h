#pragma once
// What the opaque TLS contexts of http/tls.h hold. Only this room includes it. Immutable once made;
// any thread.
#include <boost/asio/ssl/context.hpp>

#include "http/tls.h"

namespace slipway::http {

class TlsServerContext {
 public:
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
};

class TlsClientContext {
 public:
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
};

// Makes `ssl` check that the peer's certificate is for `host`, a DNS name or an IP address, and
// name it in the handshake (SNI, names only).
void expect_peer(SSL* ssl, const std::string& host);

// The last reason that OpenSSL gives, for people; empties its queue.
std::string openssl_reason();

}  // namespace slipway::http

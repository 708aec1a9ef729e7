#pragma once
// Digests, random bytes, encodings and sealed secrets, over OpenSSL. Any thread.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway {

// n bytes from the system's generator.
std::string random_bytes(std::size_t n);
// 2n lower-case hexadecimal digits.
std::string random_hex(std::size_t n_bytes);
// A random (version 4) UUID in its 36-character form.
std::string random_uuid();

std::string to_hex(std::string_view bytes);
std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);     // padded or not
std::string to_base64url(std::string_view bytes);           // no padding
Result<std::string> from_base64url(std::string_view text);  // strict: no padding

// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  std::string finish_hex();  // 64 lower-case hexadecimal digits; call once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Incremental MD5: for the Content-MD5 header of uploads, where the wire asks for it; never for
// trust.
class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(const Md5&) = delete;
  void update(std::string_view bytes);
  std::string finish();  // 16 raw bytes; call once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256_hex(std::string_view bytes);
std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// Same time for every pair of equal length; lengths may leak.
bool constant_time_equal(std::string_view a, std::string_view b);

// AES-256-GCM with a random 96-bit nonce: nonce ‖ ciphertext ‖ tag. `context` is authenticated
// and not stored, so that a sealed value cannot be moved to another row.
std::string seal(std::string_view key32, std::string_view plain, std::string_view context);
Result<std::string> unseal(std::string_view key32, std::string_view sealed,
                           std::string_view context);

}  // namespace slipway

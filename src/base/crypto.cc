#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <utility>

namespace slipway {
namespace {

const unsigned char* bytes_of(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* bytes_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }
int size_of(std::string_view s) { return static_cast<int>(s.size()); }

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kKeySize = 32;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
CipherContext new_cipher() { return {EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free}; }

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

}  // namespace

std::string random_bytes(std::size_t n) {
  std::string out(n, '\0');
  CHECK(RAND_bytes(bytes_of(out), static_cast<int>(n)) == 1, "the system has no randomness");
  return out;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

std::string random_hex(std::size_t n_bytes) { return to_hex(random_bytes(n_bytes)); }

std::string random_uuid() {
  std::string b = random_bytes(16);
  b[6] = static_cast<char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<char>((b[8] & 0x3f) | 0x80);
  std::string hex = to_hex(b);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, 1, '-');
  return hex;
}

std::string to_base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(bytes_of(out), bytes_of(bytes), size_of(bytes));
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return fail(ErrorCode::invalid_argument, "base64 text is cut short");
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return fail(ErrorCode::invalid_argument, "not base64 text");
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>((bits >> held) & 0xff);
  }
  if ((bits & ((1U << held) - 1)) != 0)
    return fail(ErrorCode::invalid_argument, "base64 text has stray bits at its end");
  return out;
}

std::string to_base64url(std::string_view bytes) {
  std::string out = to_base64(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

Result<std::string> from_base64url(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) {
    if (c == '+' || c == '/' || c == '=')
      return fail(ErrorCode::invalid_argument, "not base64url text");
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  return from_base64(plain);
}

struct Sha256::Impl {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size());
}

std::string Sha256::finish_hex() {
  std::string out(32, '\0');
  unsigned int size = 0;
  EVP_DigestFinal_ex(impl_->context.get(), bytes_of(out), &size);
  return to_hex(out);
}

struct Md5::Impl {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

Md5::Md5() : impl_(std::make_unique<Impl>()) {
  EVP_DigestInit_ex(impl_->context.get(), EVP_md5(), nullptr);
}
Md5::~Md5() = default;

void Md5::update(std::string_view bytes) {
  EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size());
}

std::string Md5::finish() {
  std::string out(16, '\0');
  unsigned int size = 0;
  EVP_DigestFinal_ex(impl_->context.get(), bytes_of(out), &size);
  return out;
}

std::string sha256(std::string_view bytes) {
  std::string out(32, '\0');
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), bytes_of(out), &size, EVP_sha256(), nullptr);
  return out;
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), size_of(key), bytes_of(bytes), bytes.size(), bytes_of(out), &size);
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string seal(std::string_view key32, std::string_view plain, std::string_view context) {
  CHECK(key32.size() == kKeySize, "a sealing key has 32 bytes");
  const std::string nonce = random_bytes(kNonceSize);
  std::string body(plain.size(), '\0');
  std::string tag(kTagSize, '\0');
  int n = 0;
  auto c = new_cipher();
  bool ok = EVP_EncryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key32),
                               bytes_of(std::string_view(nonce))) == 1;
  ok = ok && EVP_EncryptUpdate(c.get(), nullptr, &n, bytes_of(context), size_of(context)) == 1;
  ok = ok && EVP_EncryptUpdate(c.get(), bytes_of(body), &n, bytes_of(plain), size_of(plain)) == 1;
  ok = ok && EVP_EncryptFinal_ex(c.get(), bytes_of(body) + n, &n) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag.data()) == 1;
  CHECK(ok, "AES-256-GCM refused to encrypt");
  return nonce + body + tag;
}

Result<std::string> unseal(std::string_view key32, std::string_view sealed,
                           std::string_view context) {
  CHECK(key32.size() == kKeySize, "a sealing key has 32 bytes");
  const auto refused = [] {
    return fail(ErrorCode::internal,
                "a stored secret does not open with this key: it was changed, "
                "moved, or sealed with another key file");
  };
  if (sealed.size() < kNonceSize + kTagSize) return refused();
  const std::string_view nonce = sealed.substr(0, kNonceSize);
  const std::string_view body = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  std::string plain(body.size(), '\0');
  int n = 0;
  auto c = new_cipher();
  bool ok = EVP_DecryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key32),
                               bytes_of(nonce)) == 1;
  ok = ok && EVP_DecryptUpdate(c.get(), nullptr, &n, bytes_of(context), size_of(context)) == 1;
  ok = ok && EVP_DecryptUpdate(c.get(), bytes_of(plain), &n, bytes_of(body), size_of(body)) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1;
  ok = ok && EVP_DecryptFinal_ex(c.get(), bytes_of(plain) + n, &n) == 1;
  if (!ok) return refused();
  return plain;
}

}  // namespace slipway

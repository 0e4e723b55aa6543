#include "cluster/auth.h"

#include <sodium.h>

#include <cstdlib>
#include <span>

namespace hearth::cluster {
namespace {

constexpr std::size_t kMacBytes = 16;
using Mac = std::array<std::uint8_t, kMacBytes>;

// Each part with its length before it, so that no two lists of parts look alike.
class Hash {
 public:
  Hash(const Key* key, std::size_t out_bytes) : out_bytes_(out_bytes) {
    static const bool ready = sodium_init() >= 0;
    if (!ready) {  // it has no randomness, or no memory
      std::abort();
    }
    crypto_generichash_init(&state_, key == nullptr ? nullptr : key->data(), key == nullptr ? 0 : key->size(),
                            out_bytes_);
  }

  Hash& number(std::uint64_t value) {
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(&value), sizeof value);
    return *this;
  }
  Hash& bytes(std::string_view text) {
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return *this;
  }
  Hash& part(std::string_view text) { return number(text.size()).bytes(text); }
  Hash& parts(const SessionParts& parts) {
    part(parts.gateway_nonce).part(parts.worker_nonce);
    return parts.channel.empty() ? *this : part(parts.channel);
  }

  void into(std::span<std::uint8_t> out) { crypto_generichash_final(&state_, out.data(), out_bytes_); }

 private:
  crypto_generichash_state state_;
  const std::size_t out_bytes_;
};

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(2 * bytes.size(), '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[2 * i] = kDigits[bytes[i] >> 4U];
    text[2 * i + 1] = kDigits[bytes[i] & 15U];
  }
  return text;
}

std::string hex_of(Hash& hash) {
  Mac mac;
  hash.into(mac);
  return hex(mac);
}

}  // namespace

Key cluster_key(std::string_view text) {
  Key key;
  Hash(nullptr, key.size()).part("hearth cluster key").part(text).into(key);
  return key;
}

std::string make_nonce(base::Random& random) {
  std::array<std::uint8_t, kNonceBytes> nonce;
  random.fill(nonce);
  return hex(nonce);
}

bool is_nonce(std::string_view text) {
  return text.size() == 2 * kNonceBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string worker_proof(const Key& key, const SessionParts& parts) {
  return hex_of(Hash(&key, kMacBytes).part("hearth worker").parts(parts));
}

Key session_key(const Key& key, const SessionParts& parts) {
  Key session;
  Hash(&key, session.size()).part("hearth session").parts(parts).into(session);
  return session;
}

std::string ends_proof(const Key& session, std::string_view ends) {
  return hex_of(Hash(&session, kMacBytes).part("hearth ends").part(ends));
}

std::string body_digest(const Key& session, std::initializer_list<std::string_view> pieces) {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) {
    size += piece.size();
  }
  if (size == 0) {
    return {};
  }
  Hash hash(&session, kMacBytes);
  hash.number(size);
  for (const std::string_view piece : pieces) {
    hash.bytes(piece);
  }
  return hex_of(hash);
}

std::string Seal::next(std::initializer_list<std::string_view> parts) {
  Hash hash(&key_, kMacBytes);
  hash.number(static_cast<std::uint64_t>(direction_)).number(count_++);
  for (const std::string_view part : parts) {
    hash.part(part);
  }
  return hex_of(hash);
}

bool Seal::is_next(std::string_view mac, std::initializer_list<std::string_view> parts) {
  return same_mac(mac, next(parts));
}

bool same_mac(std::string_view one, std::string_view other) {
  return one.size() == other.size() && sodium_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace hearth::cluster

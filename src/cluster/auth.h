// Who may speak to a worker: the processes of one platform share a key. Each connection begins with a
// challenge to both sides, and every message on it carries a MAC with a counter; no wall clock is asked.
//
// The gateway sends a nonce; the worker answers with one of its own and a proof that it knows the key. Both
// nonces make the session's key, so that a MAC of another connection, or of an earlier message, is worth
// nothing. Over TLS proof and key are of its channel too, so that somebody between who ends TLS on both sides
// passes nothing on; it is TLS that hides what is sent. Pure (libsodium: BLAKE2b with a key).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace hearth::cluster {

using Key = std::array<std::uint8_t, 32>;

// The text of --cluster-key as a key; any text, of any length.
Key cluster_key(std::string_view text);

inline constexpr std::size_t kNonceBytes = 16;

// 32 hexadecimal digits.
std::string make_nonce(base::Random& random);
bool is_nonce(std::string_view text);

// What makes a session another than all others.
struct SessionParts {
  std::string_view gateway_nonce;
  std::string_view worker_nonce;
  std::string_view channel{};  // what TLS has at both ends and nobody between; empty without TLS
};

// What a worker answers to a gateway's nonce.
std::string worker_proof(const Key& key, const SessionParts& parts);
Key session_key(const Key& key, const SessionParts& parts);

// What makes a worker's word on where the connection's ends are (wire.h) be believed.
std::string ends_proof(const Key& session, std::string_view ends);

// 32 hexadecimal digits over a body; empty for an empty one. Stands in the head, so that a head can be
// checked before its body is read.
std::string body_digest(const Key& session, std::initializer_list<std::string_view> pieces);

enum class Direction : std::uint8_t { kRequest = 1, kAnswer = 2 };

// The MACs of one connection in one direction, message after message. Both sides count.
class Seal {
 public:
  Seal(const Key& session, Direction direction) : key_(session), direction_(direction) {}

  // Of the next message, whose parts these are: 32 hexadecimal digits.
  std::string next(std::initializer_list<std::string_view> parts);
  // Whether `mac` is that of the next message. After a false one the connection is of no more use.
  bool is_next(std::string_view mac, std::initializer_list<std::string_view> parts);

 private:
  Key key_;
  Direction direction_;
  std::uint64_t count_ = 0;
};

// In a time that says nothing of where they differ.
bool same_mac(std::string_view one, std::string_view other);

}  // namespace hearth::cluster

// Messages as bytes and back: what travels in one SOCK_SEQPACKET packet between client and launcher.
//
// The launcher is root and its peer is not: decode_request() takes any bytes whatever and answers
// with a message or kCorrupt, and every length is checked against its bound before memory is taken.
// Integers are little-endian, strings and lists are preceded by their length. Pure, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "launcher/message.h"

namespace hearth::launcher {

// One packet. A function's environment has at most 4 KiB and the rest of a start is less than that.
inline constexpr std::size_t kMaxMessageBytes = 64 * 1'024;

inline constexpr std::size_t kMaxNameBytes = 63;        // sandbox::Spec::name
inline constexpr std::size_t kMaxProgramBytes = 4'095;  // PATH_MAX without its NUL
inline constexpr std::size_t kMaxArguments = 64;
inline constexpr std::size_t kMaxArgumentBytes = 4'096;
inline constexpr std::size_t kMaxVariables = 4'096;  // 4 KiB of environment in its smallest pieces, and ours
inline constexpr std::size_t kMaxVariableBytes = 8'192;
inline constexpr std::size_t kMaxErrorBytes = 4'096;  // a longer message is cut

// kTooLarge: a field, or the whole, is over its bound.
base::Result<std::string> encode(const Request& request);
base::Result<std::string> encode(const Notice& notice);

// kCorrupt: not a message, or not one only.
base::Result<Request> decode_request(std::string_view bytes);
base::Result<Notice> decode_notice(std::string_view bytes);

}  // namespace hearth::launcher

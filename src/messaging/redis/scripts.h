// What Hearth has Redis do, each in one round trip and as one step: entries are lines of allocation_text.h.
//
// Lists are bounded by what lives: an entry that is announced again replaces itself, and a list that nobody
// has announced anything on for kEntryLife is forgotten.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace hearth::messaging {

// Well above kAnnounceAgainEvery (redis_server.h), within which everything is announced once more.
inline constexpr std::chrono::seconds kEntryLife{300};

enum class Script : std::size_t { kTake, kAnnounce, kWithdraw, kDrop, kLook };

// KEYS: warm stack, cold queue. ARGV: memory that a cold entry has at least; empty: none will do.
// {"warm" or "cold", entry}, or nothing.
inline constexpr const char* kTakeScript = R"lua(
local warm = redis.call('RPOP', KEYS[1])
if warm then return {'warm', warm} end
local wanted = tonumber(ARGV[1])
if not wanted then return false end
local first, most = 0, 100
while true do
  local entries = redis.call('LRANGE', KEYS[2], first, first + most - 1)
  for _, entry in ipairs(entries) do
    if (tonumber(string.match(entry, '^%S+ %d+ %d+ (%d+) ')) or -1) >= wanted then
      redis.call('LREM', KEYS[2], 1, entry)
      return {'cold', entry}
    end
  end
  if #entries < most then return false end
  first = first + most
end
)lua";

// KEYS: warm stack or cold queue. ARGV: prefix of the entries that this one replaces, entry, seconds to live,
// channel, what to publish on it.
inline constexpr const char* kAnnounceScript = R"lua(
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if string.sub(entry, 1, #ARGV[1]) == ARGV[1] then redis.call('LREM', KEYS[1], 1, entry) end
end
redis.call('RPUSH', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
)lua";

// KEYS: warm stack or cold queue. ARGV: prefix of the entries that go.
inline constexpr const char* kWithdrawScript = R"lua(
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if string.sub(entry, 1, #ARGV[1]) == ARGV[1] then redis.call('LREM', KEYS[1], 1, entry) end
end
return 1
)lua";

// KEYS: warm stack. ARGV: channel, version.
inline constexpr const char* kDropScript = R"lua(
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
)lua";

// KEYS: epoch. ARGV: the epoch if there is none, whether there is to be a new one in any case ('1'), channel,
// what to publish on it. The epoch.
inline constexpr const char* kLookScript = R"lua(
if ARGV[2] == '1' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'NX')
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return redis.call('GET', KEYS[1])
)lua";

// By Script.
inline constexpr std::array kScripts = {kTakeScript, kAnnounceScript, kWithdrawScript, kDropScript,
                                        kLookScript};

}  // namespace hearth::messaging

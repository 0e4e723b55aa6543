// What serve needs of the host before it listens, beside its languages: memory, resolvers, an unprivileged
// user.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth {

// 80 % of the machine's memory, or of the control group's if that is less. MB.
std::uint32_t default_memory_mb();

// The host's resolvers that an instance could reach: IPv4, not on loopback, three at most. kNotFound says
// to name one.
base::Result<std::vector<std::string>> find_resolvers();

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

// `wanted`, or when empty "hearth" if there is such a user, else "nobody". kInvalidArgument.
base::Result<User> find_user(const std::string& wanted);

// Of a process that was not started as root: it is who it is. kInvalidArgument: `wanted` is another.
base::Result<User> current_user(const std::string& wanted);

// Gives root up for good: groups, gid, uid and with them every capability.
base::Result<void> become(const User& user);

// Opens as many descriptors as the kernel lets this process have, so that connections are the bound. Their
// table is made now, before there are threads: with threads the kernel waits about 10 ms for a grace period
// each time that the table has to grow.
void make_room_for_descriptors();

}  // namespace hearth

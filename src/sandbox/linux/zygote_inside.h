// The inside of a zygote (zygote.h): what a booted program calls to become one. It needs the C library and
// nothing else, so that it can be a part of a module that an interpreter loads.
#pragma once

namespace hearth::sandbox {

// What the program has to do around a fork, as with pthread_atfork(3).
struct ForkHooks {
  void (*before)();
  void (*in_parent)();
  void (*in_child)();
};

// Forks whenever the launcher asks for it on kRequestsFd, which is the launcher's socket. Returns 0 in each
// new process, which is in a sandbox of its own by then, and never in this one; errno when it cannot begin.
// Its process has one thread, and its descriptors are 0 to 4. When the launcher has gone the process ends.
int serve_forks(const ForkHooks& hooks);

}  // namespace hearth::sandbox

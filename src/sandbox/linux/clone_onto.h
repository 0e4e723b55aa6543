// clone3(2) onto a stack of the child's own, which the C library does not offer (its clone(2) knows no
// cgroup to start in). Used by spawn.cc, root_namespace.cc and nft.cc.
#pragma once

#include <linux/sched.h>
#include <sys/syscall.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace hearth::sandbox {

// AddressSanitizer marks the frames of functions, and unmarks them when they return: those of a child that
// ends, or executes a program, in the middle of them stay, and its stack is a part of ours.
inline void forget_frames([[maybe_unused]] const clone_args& arguments) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(reinterpret_cast<const void*>(arguments.stack), arguments.stack_size);
#endif
}

// `enter` runs in the child and must not return. The child's pid, or a negative errno.
template <typename Plan>
long clone_onto(clone_args& arguments, void (*enter)(Plan&), Plan& plan) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "mov %[plan], %%rdi\n\t"
      "call *%[enter]\n\t"
      "ud2\n"
      "1:"
      : "+a"(result)
      : "D"(&arguments), "S"(sizeof arguments), [enter] "r"(enter), [plan] "r"(&plan)
      : "rcx", "r11", "cc", "memory");
  forget_frames(arguments);
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_clone3;
  register long result asm("x0") = reinterpret_cast<long>(&arguments);
  register long size asm("x1") = sizeof arguments;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x0, %[plan]\n\t"
      "blr %[enter]\n\t"
      "brk #1\n"
      "1:"
      : "+r"(result)
      : "r"(number), "r"(size), [enter] "r"(enter), [plan] "r"(&plan)
      : "cc", "memory");
  forget_frames(arguments);
  return result;
#else
#error "write clone3's calling sequence for this architecture"
#endif
}

}  // namespace hearth::sandbox

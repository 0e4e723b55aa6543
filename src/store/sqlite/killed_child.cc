#include "store/sqlite/killed_child.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>

#include "store/conformance.h"

namespace hearth::store::sqlite {

std::string told_until_killed(std::mt19937& dice, std::size_t most_bytes,
                              const std::function<void(int out)>& work) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    work(ends[1]);
    ::_exit(1);
  }
  ::close(ends[1]);
  std::string told;
  const std::size_t enough = 1 + dice() % most_bytes;
  std::array<char, 512> piece{};
  while (told.size() < enough) {
    const ssize_t got = ::read(ends[0], piece.data(), piece.size());
    if (got <= 0) {
      ADD_FAILURE() << "the child ended by itself";
      break;
    }
    told.append(piece.data(), static_cast<std::size_t>(got));
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(dice() % 1'000);
  while (std::chrono::steady_clock::now() < until) {
  }
  if (child > 0) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  told += read_to_end(ends[0]);
  ::close(ends[0]);
  return told;
}

}  // namespace hearth::store::sqlite

// Prints how many functions a second create() makes durable, by one thread and by four.
//     store_commit_rate FOLDER
// The folder's file system is what is measured; it is made, and left for the caller to remove.
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/ids.h"
#include "store/sqlite/store_under_test.h"

namespace hearth::store::sqlite {
namespace {

constexpr int kCreates = 8'000;

void create_some(FunctionStore& functions, int count) {
  base::SystemRandom random;
  for (int i = 0; i < count; ++i) {
    model::Function function = sample_function(i);
    function.id = function.current.function_id = base::make_guid(random);
    function.name = function.id;
    function.current.id = base::make_guid(random);
    if (const auto done = functions.create(function); !done) {
      std::fprintf(stderr, "%s\n", done.error().message.c_str());
      std::exit(1);
    }
  }
}

void measure(FunctionStore& functions, int thread_count) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(thread_count));
  for (int i = 0; i < thread_count; ++i) {
    threads.emplace_back([&] { create_some(functions, kCreates / thread_count); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("%d threads: %.0f commits/s\n", thread_count, kCreates / taken.count());
}

}  // namespace
}  // namespace hearth::store::sqlite

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: store_commit_rate FOLDER\n");
    return 2;
  }
  const hearth::store::sqlite::OpenStore store(argv[1]);
  for (const int threads : {1, 4, 1, 4, 1, 4}) {
    hearth::store::sqlite::measure(*store.functions, threads);
  }
}

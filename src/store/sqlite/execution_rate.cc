// Prints how many executions a second become durable in the embedded store.
//     store_execution_rate FOLDER
// The folder's file system is what is measured; it is made, and left for the caller to remove.
#include "store/execution_rate.h"

#include <cstdio>

#include "store/sqlite/store_under_test.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: store_execution_rate FOLDER\n");
    return 2;
  }
  const hearth::store::sqlite::OpenStore store(argv[1]);
  hearth::store::print_execution_rates(*store.executions);
}

// Prints how many executions a second become durable in PostgreSQL.
//     store_postgres_execution_rate URL
// Of a new, empty database; it is filled, and left for the caller to remove.
#include "store/execution_rate.h"

#include <cstdio>

#include "store/postgres/migrations.h"
#include "store/postgres/postgres_execution_store.h"

int main(int argc, char** argv) {
  using namespace hearth::store::postgres;
  if (argc != 2) {
    std::fprintf(stderr, "usage: store_postgres_execution_rate URL\n");
    return 2;
  }
  Pool pool({argv[1], 2, {}});
  if (const auto migrated = migrate(pool, migrations()); !migrated) {
    std::fprintf(stderr, "%s\n", migrated.error().message.c_str());
    return 1;
  }
  PostgresExecutionStore store(pool);
  hearth::store::print_execution_rates(store);
}

#include "store/postgres/testing/store_under_test.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "store/postgres/migrations.h"
#include "store/postgres/testing/postgres_server.h"

namespace hearth::store::postgres {
namespace {

std::unique_ptr<sqlite::DataDirectory> open_folder(const std::string& path) {
  auto opened = sqlite::DataDirectory::open(path);
  if (!opened) {
    throw std::runtime_error(opened.error().message);
  }
  return std::move(*opened);
}

std::string make_folder() {
  std::string path = "/tmp/hearth-spool-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    throw std::runtime_error("cannot make a folder like " + path);
  }
  return path;
}

}  // namespace

OpenStore::OpenStore(const std::string& url, const std::string& folder, std::chrono::seconds spared_for)
    : directory(open_folder(folder)), spool(*directory), pool({url, 8, {}}), code(pool, spool, spared_for) {
  if (auto migrated = migrate(pool, migrations()); !migrated) {
    throw std::runtime_error(migrated.error().message);
  }
}

PostgresUnderTest::PostgresUnderTest(std::chrono::seconds spared_for)
    : spared_for_(spared_for),
      url_(PostgresServer::shared().make_database()),
      folder_(make_folder()),
      open_(std::make_unique<OpenStore>(url_, folder_ + "/data", spared_for_)) {}

PostgresUnderTest::~PostgresUnderTest() {
  open_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PostgresUnderTest::reopen() {
  open_.reset();
  open_ = std::make_unique<OpenStore>(url_, folder_ + "/data", spared_for_);
}

}  // namespace hearth::store::postgres

namespace hearth::store {

std::vector<StoreBackend> store_backends() {
  if (!postgres::PostgresServer::hindrance().empty()) {
    return {};
  }
  return {{"Postgres", [] { return std::make_unique<postgres::PostgresUnderTest>(); }}};
}

}  // namespace hearth::store

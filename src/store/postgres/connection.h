// One connection to PostgreSQL, by libpq, whose every wait has an end: what the server does not answer in
// time closes the connection. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct pg_conn;
struct pg_result;

namespace hearth::store::postgres {

// A statement that a connection prepares when it first runs it. Both are literals, one name for one text.
struct Statement {
  const char* name;
  const char* sql;
};

// A value for $1, $2 …; what it refers to outlives the call that it is given to.
class Parameter {
 public:
  static Parameter null() { return {}; }
  static Parameter text(std::string_view value) { return {std::string(value), false}; }
  static Parameter number(std::int64_t value) { return {std::to_string(value), false}; }
  static Parameter bytes(std::string_view value) { return {std::string(value), true}; }

  bool is_null() const { return null_; }
  bool is_binary() const { return binary_; }
  const std::string& value() const { return value_; }

 private:
  Parameter() = default;
  Parameter(std::string value, bool binary) : value_(std::move(value)), binary_(binary), null_(false) {}

  std::string value_;
  bool binary_ = false;
  bool null_ = true;
};

// What a statement answered. Rows and columns count from 0.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result, &clear) {}

  int count() const;
  std::string text(int row, int column) const;
  std::int64_t number(int row, int column) const;
  std::string bytes(int row, int column) const;  // of a bytea column
  // Of a statement that changes rows: how many.
  std::int64_t changed() const;

 private:
  static void clear(pg_result* result);

  std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

struct Timeouts {
  std::chrono::milliseconds connect{5'000};    // --store-timeout, both
  std::chrono::milliseconds statement{5'000};  // from sending a statement to the whole of its answer
};

class Connection {
 public:
  // kUnavailable: no server answers there in time, or it refuses us; the message says which, without the
  // URL's password.
  static base::Result<std::unique_ptr<Connection>> connect(const std::string& url, const Timeouts& timeouts);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Errors: kInvalidArgument (a text holds NUL, which PostgreSQL cannot), kAlreadyExists (a unique
  // constraint; the message begins with its name), kUnavailable (the connection is broken: whether the
  // statement was executed is not known), kIo (the server refused: the message is its).
  base::Result<Rows> run(const Statement& statement, const std::vector<Parameter>& parameters);
  // Several statements without parameters, in one transaction of their own unless they say otherwise.
  base::Result<Rows> run_text(const std::string& sql);

  // For how long the server has served it.
  std::chrono::steady_clock::duration age() const { return std::chrono::steady_clock::now() - made_at_; }
  // Its socket, and where it leads as the URL and its defaults say: for who looks at the way itself.
  int socket() const;
  std::string host() const;  // several, with commas between, where the URL names several; an address if given
  std::string port() const;

  // No further statement can succeed.
  bool broken() const;
  // Whether the server has closed it meanwhile. No round trip: a look at the socket.
  bool closed_meanwhile();

  // Waits until a notification comes, `wake` (a descriptor) becomes readable, or the time is over: whether
  // one came. All that came are forgotten: they say no more than "look".
  base::Result<bool> wait_for_notification(std::chrono::milliseconds timeout, int wake);

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  Connection(pg_conn* connection, const Timeouts& timeouts)
      : connection_(connection, &finish), timeouts_(timeouts) {}
  static void finish(pg_conn* connection);

  base::Result<void> finish_connecting(Deadline deadline);
  base::Result<void> prepare(const Statement& statement, Deadline deadline);
  base::Result<Rows> await_answer(Deadline deadline);
  base::Result<void> flush(Deadline deadline);
  base::Result<void> wait_for(short events, Deadline deadline);
  base::Error lost(std::string_view what);

  std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
  const Timeouts timeouts_;
  std::chrono::steady_clock::time_point made_at_{};
  std::set<std::string_view> prepared_;
  bool broken_ = false;
};

// What is wrong with a --store URL of PostgreSQL; empty when nothing is.
std::string check_url(const std::string& url);
// The URL as logs may show it: without the password.
std::string without_password(const std::string& url);

}  // namespace hearth::store::postgres

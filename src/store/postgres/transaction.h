// One transaction on one connection of the pool. One thread.
#pragma once

#include <vector>

#include "store/postgres/pool.h"

namespace hearth::store::postgres {

// Rolled back at its end unless commit() was called.
class [[nodiscard]] Transaction {
 public:
  // `beginning`: BEGIN, with what else is to hold within this transaction.
  static base::Result<Transaction> begin(Pool& pool, const char* beginning = "BEGIN");
  Transaction(Transaction&&) = default;
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  base::Result<Rows> run(const Statement& statement, const std::vector<Parameter>& parameters) {
    return loan_->run(statement, parameters);
  }
  // Several statements without parameters.
  base::Result<Rows> run_text(const std::string& sql) { return loan_->run_text(sql); }
  // Durable when it returns without an error. kUnavailable: whether it is, is not known.
  base::Result<void> commit();

 private:
  explicit Transaction(Loan loan) : loan_(std::move(loan)) {}

  Loan loan_;
  bool ended_ = false;
};

}  // namespace hearth::store::postgres

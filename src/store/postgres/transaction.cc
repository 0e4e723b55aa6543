#include "store/postgres/transaction.h"

namespace hearth::store::postgres {

base::Result<Transaction> Transaction::begin(Pool& pool, const char* beginning) {
  auto loan = pool.borrow();
  if (!loan) {
    return loan.error();
  }
  if (auto begun = (*loan)->run_text(beginning); !begun) {
    return begun.error();
  }
  return Transaction(std::move(*loan));
}

Transaction::~Transaction() {
  if (!ended_ && loan_.holds() && !loan_->broken()) {
    // Fails only with the connection, which the server then rolls back by itself.
    (void)loan_->run_text("ROLLBACK");
  }
}

base::Result<void> Transaction::commit() {
  ended_ = true;
  auto committed = loan_->run_text("COMMIT");
  if (committed) {
    return {};
  }
  if (loan_->broken()) {
    return base::Error{committed.error().code,
                       committed.error().message +
                           "; the change may or may not have been stored: look before you try again"};
  }
  return committed.error();
}

}  // namespace hearth::store::postgres

// Until when the gateway serves what it knows, where other servers change the store too.
#include "base/boot_clock.h"
#include "gateway/gateway.h"

namespace hearth::gateway {

void Gateway::serve_until(const ServingTerm& term) {
  term_ = term;
  closes_at_ = term.binding ? term.until : base::BootTime::max();
}

// Looked at between a call's arrival and its start: what was acknowledged before the one is known at the
// other.
bool Gateway::may_serve() const {
  return closes_at_ == base::BootTime::max() || base::BootClock::now() < closes_at_;
}

http::Response Gateway::may_be_older() {
  return refusal(model::ApiErrorCode::kStoreUnavailable,
                 "this server has not heard from the store lately: it may not know the newest code");
}

}  // namespace hearth::gateway

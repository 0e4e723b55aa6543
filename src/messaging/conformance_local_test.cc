// The adapters within one process, held to the conformance suite.
#include "base/manual_event_loop.h"
#include "messaging/crossloop/crossloop_messaging.h"
#include "messaging/inproc/inproc_member_directory.h"
#include "messaging/inproc/inproc_messaging.h"
#include "messaging/testing/conformance.h"
#include "messaging/testing/member_conformance.h"

namespace hearth::messaging {
namespace {

Subject make_inproc() {
  Subject subject;
  auto inproc = std::make_shared<InprocMessaging>();
  inproc->subscribe(*subject.worker);
  subject.messaging = std::move(inproc);
  return subject;
}

// Alone: with nobody to ask it is what it decorates.
Subject make_crossloop() {
  struct Alone {
    base::ManualEventLoop loop;
    InprocMessaging local;
    CrossLoopMessaging messaging{local, loop};
  };
  Subject subject;
  const auto alone = std::make_shared<Alone>();
  alone->local.subscribe(*subject.worker);
  subject.messaging = {alone, &alone->messaging};
  return subject;
}

}  // namespace

std::vector<MessagingBackend> messaging_backends() {
  return {{"inproc", make_inproc}, {"crossloop", make_crossloop}};
}

std::vector<DirectoryBackend> member_directories() {
  return {{"inproc", [] { return DirectorySubject{std::make_shared<InprocMemberDirectory>()}; }}};
}

}  // namespace hearth::messaging

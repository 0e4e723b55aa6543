#include "sandbox/linux/fork_request.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace hearth::sandbox {
namespace {

using base::UniqueFd;

class ForkRequestTest : public ::testing::Test {
 protected:
  ForkRequestTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    ours_.reset(ends[0]);
    theirs_.reset(ends[1]);
    for (auto* field : {&plan_.root, &plan_.network, &plan_.launcher, &plan_.requests, &plan_.answers,
                        &plan_.out, &plan_.err}) {
      *field = make();
    }
    plan_.uid = 200'017;
    plan_.open_files = 1'024;
    plan_.tmp_options = "mode=0700,size=1m";
    plan_.masks = masks_;
    plan_.filter = {static_cast<unsigned short>(filter_.size()), filter_.data()};
  }
  ~ForkRequestTest() override { close_all(*received_); }

  // A descriptor of its own, which is known by what it leads to.
  int make() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    made_.emplace_back(ends[0]);
    ::close(ends[1]);
    return ends[0];
  }
  static ino_t file_of(int fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return status.st_ino;
  }
  void send_with_descriptors(const std::string& text, std::size_t count) {
    const std::vector<int> descriptors(count, plan_.root);
    std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
    iovec part{const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors.data(), count * sizeof(int));
    ASSERT_EQ(::sendmsg(ours_.get(), &message, 0), static_cast<ssize_t>(text.size()));
  }
  static std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      ++count;
    }
    return count;
  }

  const std::array<ProcMask, 2> masks_ = {ProcMask{"proc/keys", false}, ProcMask{"proc/irq", true}};
  std::array<sock_filter, 2> filter_ = {sock_filter{0x15, 1, 2, 3}, sock_filter{0x06, 0, 0, 0x7fff0000}};
  std::vector<UniqueFd> made_;
  UniqueFd ours_, theirs_;
  ChildPlan plan_;
  std::unique_ptr<ForkRequest> received_ = std::make_unique<ForkRequest>();
};

TEST_F(ForkRequestTest, ArrivesAsItWasSent) {
  const std::array task_files = {make(), make()};
  plan_.task_files = task_files;
  plan_.code_mount = make();
  const int clone_target = make();
  ASSERT_EQ(send_request(ours_.get(), plan_, clone_target), 0);
  ASSERT_EQ(receive_request(theirs_.get(), *received_), 0);
  const ChildPlan& got = received_->plan;
  for (const auto field : {&ChildPlan::root, &ChildPlan::network, &ChildPlan::launcher, &ChildPlan::requests,
                           &ChildPlan::answers, &ChildPlan::out, &ChildPlan::err, &ChildPlan::code_mount}) {
    EXPECT_EQ(file_of(got.*field), file_of(plan_.*field));
  }
  EXPECT_EQ(file_of(received_->clone_target), file_of(clone_target));
  ASSERT_EQ(got.task_files.size(), 2U);
  EXPECT_EQ(file_of(got.task_files[1]), file_of(task_files[1]));
  EXPECT_EQ(got.uid, 200'017U);
  EXPECT_EQ(got.open_files, 1'024U);
  EXPECT_STREQ(got.tmp_options, "mode=0700,size=1m");
  ASSERT_EQ(got.masks.size(), 2U);
  EXPECT_STREQ(got.masks[1].path, "proc/irq");
  EXPECT_TRUE(got.masks[1].is_folder);
  EXPECT_FALSE(got.masks[0].is_folder);
  ASSERT_EQ(got.filter.len, 2U);
  EXPECT_EQ(got.filter.filter[1].k, 0x7fff0000U);
}

TEST_F(ForkRequestTest, WhatIsNotThereIsNotThere) {
  ASSERT_EQ(send_request(ours_.get(), plan_, -1), 0);
  ASSERT_EQ(receive_request(theirs_.get(), *received_), 0);
  EXPECT_EQ(received_->plan.code_mount, -1);
  EXPECT_EQ(received_->clone_target, -1);
  EXPECT_TRUE(received_->plan.task_files.empty());
}

TEST_F(ForkRequestTest, WhatDoesNotFitIsNotSent) {
  const std::vector<ProcMask> many(kMostMasks + 1, ProcMask{"proc/keys", false});
  plan_.masks = many;
  EXPECT_EQ(send_request(ours_.get(), plan_, -1), E2BIG);
  const std::string long_text(kMostRequestBytes, 'x');
  plan_.masks = {};
  plan_.tmp_options = long_text.c_str();
  EXPECT_EQ(send_request(ours_.get(), plan_, -1), E2BIG);
  const std::vector<int> files(kMostRequestDescriptors, plan_.root);
  plan_.tmp_options = "";
  plan_.task_files = files;
  EXPECT_EQ(send_request(ours_.get(), plan_, -1), E2BIG);
}

TEST_F(ForkRequestTest, APartOfOneIsRefusedAndItsDescriptorsAreClosed) {
  ASSERT_EQ(send_request(ours_.get(), plan_, -1), 0);
  std::string bytes(kMostRequestBytes, '\0');
  const auto size = ::recv(theirs_.get(), bytes.data(), bytes.size(), 0);
  ASSERT_GT(size, 0);
  const auto before = open_descriptors();
  for (ssize_t length = 1; length < size; ++length) {
    send_with_descriptors(bytes.substr(0, static_cast<std::size_t>(length)), 7);
    EXPECT_EQ(receive_request(theirs_.get(), *received_), EBADMSG) << length;
  }
  for (const std::size_t descriptors : {6, 8, 40}) {
    send_with_descriptors(bytes.substr(0, static_cast<std::size_t>(size)), descriptors);
    EXPECT_EQ(receive_request(theirs_.get(), *received_), EBADMSG) << descriptors;
  }
  EXPECT_EQ(open_descriptors(), before);
  send_with_descriptors(bytes.substr(0, static_cast<std::size_t>(size)), 7);
  EXPECT_EQ(receive_request(theirs_.get(), *received_), 0) << "as it was sent";
}

// What a function could read of it.
TEST_F(ForkRequestTest, NothingOfItStays) {
  ASSERT_EQ(send_request(ours_.get(), plan_, -1), 0);
  ASSERT_EQ(receive_request(theirs_.get(), *received_), 0);
  forget(*received_);
  EXPECT_EQ(std::string_view(received_->bytes.data(), received_->bytes.size()).find_first_not_of('\0'),
            std::string_view::npos);
}

TEST_F(ForkRequestTest, TheEndIsTold) {
  ours_.reset();
  EXPECT_EQ(receive_request(theirs_.get(), *received_), ENOTCONN);
  ReceivedAnswer answer;
  EXPECT_EQ(receive_answer(theirs_.get(), answer), ENOTCONN);
}

TEST_F(ForkRequestTest, AnswersAreNotWaitedForAndTellTheirSender) {
  ASSERT_EQ(tell_senders(ours_.get()), 0);
  ReceivedAnswer received;
  EXPECT_EQ(receive_answer(ours_.get(), received), EAGAIN);
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(send_answer(theirs_.get(), {ForkAnswerKind::kFinished, 0, {3, ENOENT}}));
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(receive_answer(ours_.get(), received), 0);
  EXPECT_EQ(received.sender, child);
  EXPECT_EQ(received.answer.kind, ForkAnswerKind::kFinished);
  EXPECT_EQ(received.answer.failure.step, 3);
  EXPECT_EQ(received.answer.failure.error, ENOENT);
}

}  // namespace
}  // namespace hearth::sandbox

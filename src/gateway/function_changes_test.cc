#include "gateway/function_changes.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/manual_event_loop.h"

namespace hearth::gateway {
namespace {

class RecordingMirror final : public FunctionMirror {
 public:
  void created(model::FunctionPtr function) override { note("created", function); }
  void updated(model::FunctionPtr function) override { note("updated", function); }
  void removed(const model::FunctionPtr& function) override { note("removed", function); }
  void synced(const model::FunctionId& id, model::FunctionPtr function) override {
    told.push_back((function ? "synced " : "synced away ") + id);
    last = function;
  }
  void serve_until(const ServingTerm& term) override { terms.push_back(term); }

  std::vector<ServingTerm> terms;
  std::vector<std::string> told;
  model::FunctionPtr last;

 private:
  void note(const std::string& what, const model::FunctionPtr& function) {
    told.push_back(what + " " + function->id);
    last = function;
  }
};

model::FunctionPtr function(const std::string& id) {
  auto made = std::make_shared<model::Function>();
  made->id = id;
  return made;
}

using Told = std::vector<std::string>;

TEST(FunctionMirrors, TheOnlyOneIsToldInsideTheCall) {
  base::ManualEventLoop loop;
  RecordingMirror mirror;
  FunctionMirrors mirrors({{&loop, &mirror}});
  int everywhere = 0;
  mirrors.created(function("f"), [&] { ++everywhere; });
  EXPECT_EQ(mirror.told, Told{"created f"});
  EXPECT_EQ(everywhere, 1);
}

TEST(FunctionMirrors, HowLongToServeIsToldEachOnItsLoopAndAtTheBeginningAtOnce) {
  base::ManualEventLoop home;
  base::ManualEventLoop second;
  RecordingMirror at_home;
  RecordingMirror at_second;
  const FunctionMirrors mirrors({{&home, &at_home}, {&second, &at_second}});
  const ServingTerm first{base::BootTime(std::chrono::seconds(1)), LeaseState::kHeld, true};
  const ServingTerm next{base::BootTime(std::chrono::seconds(2)), LeaseState::kHeld, true};
  mirrors.begin_with(first);
  mirrors.serve_until(next);
  EXPECT_EQ(at_home.terms, std::vector{first});
  home.run_posted();
  EXPECT_EQ(at_home.terms, (std::vector{first, next}));
  EXPECT_EQ(at_second.terms, std::vector{first});
  second.run_posted();
  EXPECT_EQ(at_second.terms, (std::vector{first, next}));
}

TEST(FunctionMirrors, AllAreToldInOrderAndOnlyThenItIsEverywhere) {
  base::ManualEventLoop home;
  base::ManualEventLoop second;
  base::ManualEventLoop third;
  RecordingMirror at_home;
  RecordingMirror at_second;
  RecordingMirror at_third;
  FunctionMirrors mirrors({{&home, &at_home}, {&second, &at_second}, {&third, &at_third}});
  int everywhere = 0;
  const auto count = [&] { ++everywhere; };
  mirrors.created(function("f"), count);
  mirrors.updated(function("f"), count);
  mirrors.removed(function("f"), count);
  const Told all{"created f", "updated f", "removed f"};
  EXPECT_EQ(at_home.told, all);
  EXPECT_TRUE(at_second.told.empty());
  second.run_posted();
  home.run_posted();
  EXPECT_EQ(at_second.told, all);
  EXPECT_EQ(everywhere, 0) << "the third does not know yet";
  third.run_posted();
  EXPECT_EQ(everywhere, 0) << "told on the first loop";
  home.run_posted();
  EXPECT_EQ(at_third.told, all);
  EXPECT_EQ(everywhere, 3);
}

TEST(FunctionMirrors, AllAreToldWhatTheStoreHolds) {
  base::ManualEventLoop home;
  base::ManualEventLoop second;
  RecordingMirror at_home;
  RecordingMirror at_second;
  FunctionMirrors mirrors({{&home, &at_home}, {&second, &at_second}});
  int everywhere = 0;
  const auto count = [&] { ++everywhere; };
  mirrors.synced("f", function("f"), count);
  EXPECT_EQ(everywhere, 0);
  second.run_posted();
  home.run_posted();
  EXPECT_EQ(everywhere, 1);
  EXPECT_NE(at_home.last, at_second.last) << "each has a copy of its own";
  mirrors.synced("g", nullptr, count);
  second.run_posted();
  EXPECT_EQ(at_home.told, (Told{"synced f", "synced away g"}));
  EXPECT_EQ(at_second.told, at_home.told);
}

TEST(FunctionMirrors, EachLoopGetsACopyOfItsOwn) {
  base::ManualEventLoop home;
  base::ManualEventLoop second;
  RecordingMirror at_home;
  RecordingMirror at_second;
  FunctionMirrors mirrors({{&home, &at_home}, {&second, &at_second}});
  const auto made = function("f");
  mirrors.created(made, [] {});
  second.run_posted();
  EXPECT_NE(at_home.last, at_second.last);
  EXPECT_NE(at_second.last, made);
}

class PlayedChanges final : public FunctionChanges {
 public:
  void create(std::shared_ptr<Upload> /*upload*/, Changed done) override { changed = std::move(done); }
  void update(model::FunctionPtr function, std::shared_ptr<Upload> /*upload*/, Changed done) override {
    updated = std::move(function);
    changed = std::move(done);
  }
  void roll_back(model::FunctionPtr function, std::uint32_t to, Changed done) override {
    rolled_back = function->id + " " + std::to_string(to);
    changed = std::move(done);
  }
  void change(const model::FunctionPtr& function, const model::FunctionChange& change,
              Changed done) override {
    made = {function->id, change};
    changed = std::move(done);
  }
  void remove(const model::FunctionPtr& function, Removed done) override {
    removed = function;
    gone = std::move(done);
  }

  model::FunctionPtr updated;
  std::string rolled_back;
  std::pair<model::FunctionId, model::FunctionChange> made;
  model::FunctionPtr removed;
  Changed changed;
  Removed gone;
};

TEST(DistantFunctionChanges, ChangeAtHomeAndTellHere) {
  base::ManualEventLoop home;
  base::ManualEventLoop here;
  PlayedChanges changes;
  DistantFunctionChanges distant(home, changes, here);
  int told = 0;
  const model::Alias alias{"live", 3, std::nullopt, 0};
  distant.change(function("f"), alias, [&](const ApiResult<model::FunctionPtr>&) { ++told; });
  home.run_posted();
  EXPECT_EQ(changes.made, std::pair(model::FunctionId("f"), model::FunctionChange(alias)));
  changes.changed(function("f"));
  EXPECT_EQ(told, 0) << "on the wrong loop";
  here.run_posted();
  EXPECT_EQ(told, 1);
}

TEST(DistantFunctionChanges, AskAtHomeAndTellHere) {
  base::ManualEventLoop home;
  base::ManualEventLoop here;
  PlayedChanges changes;
  DistantFunctionChanges distant(home, changes, here);
  std::string told;
  const auto on_changed = [&](const ApiResult<model::FunctionPtr>& result) {
    told = std::holds_alternative<ApiFailure>(result) ? std::get<ApiFailure>(result).message
                                                      : std::get<model::FunctionPtr>(result)->id;
  };
  distant.create(nullptr, on_changed);
  EXPECT_FALSE(changes.changed);
  home.run_posted();
  changes.changed(function("new"));
  EXPECT_EQ(told, "") << "on the wrong loop";
  here.run_posted();
  EXPECT_EQ(told, "new");

  distant.update(function("f"), nullptr, on_changed);
  home.run_posted();
  EXPECT_EQ(changes.updated->id, "f");
  changes.changed(ApiFailure{model::ApiErrorCode::kConflict, "too late"});
  here.run_posted();
  EXPECT_EQ(told, "too late");

  distant.roll_back(function("f"), 3, on_changed);
  home.run_posted();
  EXPECT_EQ(changes.rolled_back, "f 3");
  changes.changed(function("f"));
  here.run_posted();
  EXPECT_EQ(told, "f");

  bool gone = false;
  distant.remove(function("f"), [&](const ApiResult<std::monostate>& result) {
    gone = !std::holds_alternative<ApiFailure>(result);
  });
  home.run_posted();
  EXPECT_EQ(changes.removed->id, "f");
  changes.gone(std::monostate{});
  here.run_posted();
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace hearth::gateway

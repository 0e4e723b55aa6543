// Instances in Python that are forked from a zygote, on the real server: nothing waits, so that each start is
// one.
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

// Tells what a function sees of its process. The key of the hashes comes first.
constexpr const char* kMirror = R"(
import ctypes, os, sys, threading
modules = sorted(sys.modules)
def default_stack():
    pthread = ctypes.CDLL(None)
    attributes, size = ctypes.create_string_buffer(64), ctypes.c_size_t()
    pthread.pthread_attr_init(attributes)
    pthread.pthread_attr_getstacksize(attributes, ctypes.byref(size))
    return size.value
def read(path):
    with open(path) as file:
        return file.read()
def handler(event, context):
    status = dict(line.split(':\t', 1) for line in read('/proc/self/status').splitlines())
    maps = sorted({line.split()[5] for line in read('/proc/self/maps').splitlines() if len(line.split()) > 5})
    return {'key': hash('a'), 'stack': default_stack(), 'maps': [name for name in maps if 'zygote' not in name],
            'modules': modules, 'path': sys.path, 'arguments': sys.argv, 'started': sys.orig_argv,
            'environment': dict(os.environ), 'given': read('/proc/self/environ'), 'line': read('/proc/self/cmdline'),
            'program': os.readlink('/proc/self/exe'), 'folder': os.getcwd(), 'files': os.listdir('.'),
            'descriptors': sorted(os.listdir('/proc/self/fd')), 'ids': [os.getpid(), os.getppid(), os.getsid(0), os.getpgid(0)],
            'score': read('/proc/self/oom_score_adj'), 'limits': read('/proc/self/limits'), 'name': read('/proc/self/comm'),
            'mounts': sorted(line.split(' ')[4] for line in read('/proc/self/mountinfo').splitlines()),
            'status': [status[name] for name in ('Groups', 'CapPrm', 'CapBnd', 'NoNewPrivs', 'Seccomp', 'SigIgn', 'SigCgt',
                                                 'SigBlk', 'Threads', 'NSpid', 'Umask')]})";

constexpr const char* kRandom = R"(
import random, secrets, uuid
def handler(event, context):
    return [hash('a'), random.random(), secrets.token_hex(8), str(uuid.uuid4())])";

// Threads, processes and event loops, which have to know that they are not the zygote's.
constexpr const char* kAtWork = R"(
import asyncio, multiprocessing, os, signal, subprocess, sys, threading
def double(value):
    return value * 2
async def handler(event, context):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(threading.get_ident()))
    thread.start()
    thread.join()
    with multiprocessing.get_context('fork').Pool(2) as pool:
        doubled = pool.map(double, [1, 2, 3])
    child = subprocess.run([sys.executable, '-I', '-c', 'print(6 * 7)'], capture_output=True, text=True)
    caught = []
    signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0.01)
    main = threading.main_thread() is threading.current_thread()
    return [len(seen), doubled, child.stdout, child.stderr, len(caught), main])";

// The process that runs the shim as root.
pid_t zygote_of(const HearthServer& server) {
  const auto children = [](pid_t parent) {
    const std::string pid = std::to_string(parent);
    std::ifstream in("/proc/" + pid + "/task/" + pid + "/children");
    return std::vector<pid_t>(std::istream_iterator<pid_t>(in), {});
  };
  for (const pid_t launcher : children(server.pid())) {
    for (const pid_t child : children(launcher)) {
      if (read_file("/proc/" + std::to_string(child) + "/status").find("\nUid:\t0\t") != std::string::npos) {
        return child;
      }
    }
  }
  return -1;
}

void kill_zygote_of(const HearthServer& server) {
  if (const pid_t zygote = zygote_of(server); zygote > 0) {
    ::kill(zygote, SIGKILL);
  }
}

class ZygoteOfPython : public testing::Test {
 protected:
  static HearthServer::Options options(std::vector<std::string> more = {}) {
    std::vector<std::string> flags = {"--prestart", "0"};
    flags.insert(flags.end(), more.begin(), more.end());
    return with_flags(std::move(flags));
  }

  static json::value first_call(const HearthServer& server, const std::string& code) {
    const Reply reply = server.invoke(server.create({{"index.py", code}}, {{"runtime", "python"}}), "1");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.status == 200 ? reply.json().at("output") : json::value();
  }
  static std::int64_t key_of(const HearthServer& server) {
    return first_call(server, kRandom).as_array().at(0).to_number<std::int64_t>();
  }
  // Until two instances have the same key of their hashes, which those from one zygote have.
  static std::int64_t await_zygote(const HearthServer& server) {
    std::int64_t key = 0;
    EXPECT_TRUE(eventually([&] {
      key = key_of(server);
      return key_of(server) == key;
    }));
    return key;
  }
};

TEST_F(ZygoteOfPython, AFunctionSeesWhatItWouldHaveSeen) {
  const HearthServer forking(options());
  const HearthServer booting(options({"--zygote", "off", "--uid-base", "250000"}));
  const auto key = await_zygote(forking);
  const std::string id = forking.create({{"index.py", kMirror}}, {{"runtime", "python"}});
  const auto booted = first_call(booting, kMirror);
  for (int round = 0; round < 2; ++round) {  // and after the zygote has gone
    const auto forked = forking.invoke(id, "1").json().at("output");
    ASSERT_TRUE(forked.is_object() && booted.is_object());
    EXPECT_EQ(forked.at("key"), key);
    for (const auto& [name, value] : booted.as_object()) {
      if (name != "key") {
        EXPECT_EQ(forked.at(name), value) << name << ", round " << round;
      }
    }
    kill_zygote_of(forking);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

TEST_F(ZygoteOfPython, NoTwoDrawTheSame) {
  const HearthServer server(options());
  const auto key = await_zygote(server);
  std::set<std::string> drawn;
  for (int i = 0; i < 5; ++i) {
    const auto values = first_call(server, kRandom).as_array();
    EXPECT_EQ(values.at(0), key);
    for (std::size_t each = 1; each < values.size(); ++each) {
      EXPECT_TRUE(drawn.insert(json::serialize(values.at(each))).second) << values.at(each);
    }
  }
}

TEST_F(ZygoteOfPython, ThreadsProcessesAndLoopsWork) {
  const HearthServer server(options());
  await_zygote(server);
  EXPECT_EQ(first_call(server, kAtWork), json::value({1, {2, 4, 6}, "42\n", "", 1, true}));
}

TEST_F(ZygoteOfPython, WithoutItEachHasAKeyOfItsOwn) {
  const HearthServer server(options({"--zygote", "off"}));
  std::set<std::int64_t> keys;
  for (int i = 0; i < 4; ++i) {
    keys.insert(key_of(server));
  }
  EXPECT_EQ(keys.size(), 4U);
}

// One that is assigned was not forked, whatever was started beside it.
TEST_F(ZygoteOfPython, WhatWaitsHasAKeyOfItsOwn) {
  const HearthServer server;
  std::vector<std::int64_t> keys;
  EXPECT_TRUE(eventually([&] {
    const std::string id = server.create({{"index.py", kRandom}}, {{"runtime", "python"}});
    const Reply reply = server.invoke(id, "1");
    if (reply.body.find("\"name\":\"assign\"") != std::string::npos) {
      keys.push_back(reply.json().at("output").at(0).to_number<std::int64_t>());
    }
    return keys.size() == 4;
  }));
  EXPECT_EQ(std::set<std::int64_t>(keys.begin(), keys.end()).size(), keys.size());
}

TEST_F(ZygoteOfPython, WithoutOneCallsAreServedAndAnotherComes) {
  const HearthServer server(options());
  const auto key = await_zygote(server);
  kill_zygote_of(server);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(first_call(server, kRandom).is_array());
  }
  EXPECT_NE(await_zygote(server), key);
}

}  // namespace
}  // namespace hearth::test

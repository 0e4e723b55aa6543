// Attempts 41 to 45: to reach what is not public, and to be reached.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <thread>

#include "base/unique_fd.h"
#include "tests/security/fixture.h"
#include "tests/support/internet.h"

namespace hearth::security {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using test::Internet;

constexpr int kMostConnections = 1'000;  // of one sandbox (src/sandbox/linux/firewall.h)

// A socket that listens; nobody may come.
class Listener {
 public:
  // On all addresses of both families.
  Listener() : socket_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    listen(&address, sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin6_port);
  }
  // On a path, or on an abstract name with a zero before it.
  explicit Listener(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    listen(&address, offsetof(sockaddr_un, sun_path) + name.size());
  }

  std::uint16_t port() const { return port_; }
  // Whether somebody has come since it was asked last.
  bool reached() {
    pollfd ready{socket_.get(), POLLIN, 0};
    bool any = false;
    while (::poll(&ready, 1, 100) == 1) {
      any = true;
      const base::UniqueFd accepted(::accept(socket_.get(), nullptr, nullptr));
    }
    return any;
  }

 private:
  template <typename Address>
  void listen(const Address* address, std::size_t size) {
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(address), static_cast<socklen_t>(size)),
              0);
    EXPECT_EQ(::listen(socket_.get(), 64), 0);
  }

  const base::UniqueFd socket_;
  std::uint16_t port_ = 0;
};

// Connects to each place, "HOST PORT", and says how that went.
constexpr const char* kConnects = R"js(
const net = require('net');
const connect = (place) => new Promise((done) => {
  const [host, port] = place.split(' ');
  const socket = net.connect({ host, port: Number(port) });
  socket.setTimeout(1500, () => { socket.destroy(); done('TIMEOUT'); });
  socket.on('connect', () => { socket.destroy(); done(0); });
  socket.on('error', (error) => done(error.code));
});
module.exports = async (places) =>
  Object.fromEntries(await Promise.all(places.map(async (place) => [place, await connect(place)])));
)js";

std::vector<std::string> own_addresses(const std::string& port) {
  return {"127.0.0.1 " + port,        "::1 " + port,    "203.0.113.2 " + port, "::ffff:203.0.113.2 " + port,
          "::ffff:127.0.0.1 " + port, "0.0.0.0 " + port};
}

// In network namespaces of its own.
class Network : public Security {
 protected:
  static void SetUpTestSuite() {
    internet_ = std::make_unique<Internet>();
    if (internet_->made()) {
      start({"--network", "nat", "--dns", "203.0.113.1"}, /*own_network=*/true);
    }
  }
  static void TearDownTestSuite() {
    Security::TearDownTestSuite();
    internet_.reset();
  }
  void SetUp() override {
    if (!internet_->made()) {
      GTEST_SKIP() << "no network namespaces here";
    }
    Security::SetUp();
  }
  static Internet& internet() { return *internet_; }

  // To a function of kConnects.
  static void expect_closed(const std::string& id, const std::string& place) {
    EXPECT_NE(output_of(id, json::serialize(json::array{place})).at(place), 0) << place;
  }

  // A function that listens on its own address for 3 s, and what that is.
  std::string begin_to_listen() {
    listens_ = hostile(R"js(
const address = Object.values(require('os').networkInterfaces()).flat().find((each) => !each.internal && each.family === 'IPv4');
module.exports = (stays) => stays ? new Promise((done) => {
  let came = 0;
  const server = require('http').createServer((request, answer) => { came += 1; answer.end('here'); });
  server.listen(8000, '0.0.0.0');
  setTimeout(() => { server.close(); server.closeAllConnections(); done(came); }, 3000);
}) : address.address;)js",
                       {{"timeout", 10'000}});
    std::string address(output_of(listens_, "false").as_string());
    listening_ = std::thread([this] { EXPECT_EQ(output_of(listens_, "true"), 0) << "nobody came"; });
    std::this_thread::sleep_for(milliseconds(300));
    return address;
  }
  void end_to_listen() { listening_.join(); }

 private:
  static inline std::unique_ptr<Internet> internet_;
  std::string listens_;
  std::thread listening_;
};

// 41
TEST_F(Network, SocketsOfTheHostCannotBeReached) {
  const std::string name = "hearth-security-" + std::to_string(::getpid());
  Listener abstract(std::string(1, '\0') + name);
  Listener path(canary("folder") + "/../socket");
  for (const std::string& place : {"@" + name, canary("socket")}) {
    EXPECT_EQ(probe_outside({"connect", place}), "connect 0\n") << place;
    EXPECT_NE(probe_inside({"connect", place}), "connect 0\n") << place;
  }
  EXPECT_TRUE(abstract.reached()) << "by the control";
  EXPECT_TRUE(path.reached());
  ::unlink(canary("socket").c_str());
}

// 42: the platform's own, and whatever else listens on the host.
TEST_F(Network, NoPacketReachesWhatListensOnTheHost) {
  Listener listener;
  json::array places;
  for (const std::string& port : {std::to_string(listener.port()), std::to_string(server().port())}) {
    for (const std::string& place : own_addresses(port)) {
      places.emplace_back(place);
    }
  }
  expect_denied_js(kConnects, json::serialize(places));
  EXPECT_TRUE(listener.reached()) << "by the control";
  const std::string id = hostile(kConnects);
  output_of(id, json::serialize(places));
  EXPECT_FALSE(listener.reached());
  // The host's end of the wire too.
  const std::string router = hostile(
      "module.exports = () => require('fs').readFileSync('/proc/net/route', 'utf8').split('\\n').slice(1)"
      ".map((line) => line.split('\\t')).filter((words) => words[1] === '00000000')"
      ".map((words) => words[2].match(/../g).reverse().map((byte) => parseInt(byte, 16)).join('.'));");
  const auto ends = strings_of(router);
  EXPECT_FALSE(ends.empty());
  for (const std::string& address : ends) {
    expect_closed(id, address + " " + std::to_string(listener.port()));
  }
  EXPECT_FALSE(listener.reached());
}

// 42: of the internet what is private, and what a cloud would say of its machine.
TEST_F(Network, PrivateAddressesAndTheMetadataAddressAreClosed) {
  const std::string id = hostile(kConnects);
  EXPECT_EQ(output_of(id, R"(["203.0.113.1 8000"])").at("203.0.113.1 8000"), 0) << "what is public is open";
  expect_denied_js(kConnects,
                   json::serialize(json::array{"10.9.9.9 8000", "192.168.9.9 8000", "169.254.169.254 8000",
                                               "::ffff:169.254.169.254 8000"}));
}

// 43, 44
TEST_F(Network, NoInstanceIsReachedByAnotherOrFromOutside) {
  const std::string address = begin_to_listen();
  const std::string id = hostile(kConnects);
  expect_closed(id, address + " 8000");
  EXPECT_FALSE(Internet::from_host(address + ":8000").starts_with("reached"));
  const std::string script = std::string(Internet::probe_js()) + "probe(" +
                             Internet::probe_input(address + ":8000") +
                             ").then((r) => process.stdout.write(r))";
  EXPECT_EQ(
      test::run_program(internet().within({"ip", "route", "add", "10.213.0.0/16", "via", "203.0.113.2"}))
          .exit_code,
      0);
  const std::string from_internet = test::run_program(internet().within({"node", "-e", script})).output;
  EXPECT_FALSE(from_internet.starts_with("reached")) << from_internet;
  end_to_listen();
}

// 43: with IP_FREEBIND anybody may send from an address that he has not.
TEST_F(Network, AnotherSourceAddressIsDropped) {
  const test::ScratchFolder folder;
  const std::string file = folder.write("heard", "");
  internet().start(internet().within(
      {"node", "-e",
       "require('dgram').createSocket('udp4').on('message', (text, from) => require('fs').appendFileSync('" +
           file + "', text + ' ')).bind(7000)"}));
  const std::string id = server().create({{"index.py",
                                           "import socket\n"
                                           "def handler(source):\n"
                                           "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                                           "    s.setsockopt(socket.IPPROTO_IP, 15, 1)\n"  // IP_FREEBIND
                                           "    s.bind((source or '0.0.0.0', 0))\n"
                                           "    s.sendto((source or 'own').encode(), ('203.0.113.1', 7000))\n"
                                           "    return 'sent'\n"}},
                                         {{"runtime", "python"}, {"name", "spoofs"}});
  EXPECT_TRUE(test::eventually([&] {
    output_of(id, "\"\"");
    return test::read_file(file).find("own") != std::string::npos;
  }));
  for (const char* source : {"\"203.0.113.2\"", "\"10.213.99.99\"", "\"198.51.100.99\"", "\"127.0.0.1\""}) {
    server().invoke(id, source);
  }
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_THAT(test::read_file(file), testing::MatchesRegex("(own )+"));
  EXPECT_EQ(server().del("/functions/spoofs").status, 204);
}

// 45: from two processes, as one has not got so many descriptors.
TEST_F(Network, AFloodOfConnectionsIsBounded) {
  const std::string id = hostile_files({{"index.js", R"js(
const { spawn } = require('child_process');
const flood = (count) => new Promise((done) => {
  const child = spawn(process.execPath, ['/code/flood.js', String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (bytes) => { out += bytes; });
  child.on('close', () => done(Number(out)));
});
module.exports = async () => (await Promise.all([flood(900), flood(900)])).reduce((sum, each) => sum + each);
)js"},
                                        {"flood.js", R"js(
let connected = 0;
for (let i = 0; i < Number(process.argv[2]); i++) {
  require('net').connect({ host: '203.0.113.1', port: 8000 }).on('connect', () => { connected += 1; }).on('error', () => {});
}
setTimeout(() => { console.log(connected); process.exit(0); }, 3000);
)js"}},
                                       {{"timeout", 30'000}, {"memorySize", 512}});
  const json::value connected = output_of(id);
  EXPECT_GE(connected.as_int64(), 900);
  EXPECT_LE(connected.as_int64(), kMostConnections);
}

}  // namespace
}  // namespace hearth::security

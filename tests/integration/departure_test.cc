// Callers that leave in the middle: what they held is free again, nothing leaks.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/unique_fd.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

base::UniqueFd connect_to(const HearthServer& server) {
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return socket;
}

void send_invoke(int socket, const std::string& id, std::size_t announced, const std::string& body) {
  const std::string request =
      "POST /functions/" + id +
      "/invoke HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(announced) + "\r\n\r\n" + body;
  EXPECT_EQ(::send(socket, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
}

std::size_t descriptors_of(const HearthServer& server) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(server.pid()) + "/fd")) {
    ++count;
  }
  return count;
}

std::int64_t calls(const HearthServer& server, const char* which) {
  return server.health().at("calls").at(which).to_number<std::int64_t>();
}

TEST(Departure, AThousandCallersLeaveInTheMiddleAndNothingLeaks) {
  // Room for 16 instances: the flood is to leave, not to start a hundred of them, nor any that is not asked
  // for.
  HearthServer server({.flags = {"--memory", "2048", "--prestart", "0"},
                       .data_dir = "",
                       .start_bound = std::chrono::seconds(30)});
  const std::string id = server.create_js(
      "let n = 0; module.exports = async (input) => { if (input === 'count') return n; n++; "
      "await new Promise(r => setTimeout(r, 2)); return 'x'; };");
  server.invoke(id, "1");
  const std::size_t descriptors = descriptors_of(server);
  for (int i = 0; i < 1'000; ++i) {
    const base::UniqueFd socket = connect_to(server);
    if (i % 3 == 0) {
      send_invoke(socket.get(), id, 100, "{\"half\":");  // in the middle of the body
    } else {
      send_invoke(socket.get(), id, 1, "1");  // in the middle of the call
    }
  }
  EXPECT_TRUE(eventually([&] { return calls(server, "running") == 0 && calls(server, "waiting") == 0; },
                         std::chrono::seconds(30)));
  EXPECT_EQ(server.instances("running"), 0);
  EXPECT_EQ(server.invoke(id, "2").status, 200);
  // Instances that the flood started hold descriptors of their own; they are given back with them.
  EXPECT_EQ(server.del("/functions/" + id).status, 204);
  EXPECT_TRUE(eventually([&] { return server.instances({"idle", "leased", "removing"}) == 0; }));
  EXPECT_TRUE(eventually([&] { return descriptors_of(server) <= descriptors; }))
      << descriptors_of(server) << " descriptors, " << descriptors << " before";
  EXPECT_EQ(server.health().at("memory").at("totalMb").to_number<std::int64_t>(),
            server.health().at("memory").at("freeMb").to_number<std::int64_t>() +
                server.health().at("memory").at("reservedMb").to_number<std::int64_t>());
}

TEST(Departure, TheExecutionOfACallerWhoLeftEndsAtItsDeadline) {
  HearthServer server;
  const std::string id = server.create_js(
      "module.exports = () => new Promise(() => setInterval(() => {}, 1000));", {{"timeout", 700}});
  {
    const base::UniqueFd socket = connect_to(server);
    send_invoke(socket.get(), id, 1, "1");
    EXPECT_TRUE(server.wait_for_instances("running", 1));
  }
  EXPECT_EQ(server.instances("running"), 1) << "it runs on, for nobody";
  EXPECT_TRUE(server.wait_for_instances("running", 0, std::chrono::seconds(3)));
}

TEST(Departure, ACallerWhoLeavesTheQueueFreesItsPlace) {
  HearthServer server({.flags = {"--memory", "1024", "--queue-timeout", "20s", "--queue-depth", "1"},
                       .data_dir = "",
                       .start_bound = std::chrono::seconds(30)});
  const std::string id = server.create_js("module.exports = (ms) => new Promise(r => setTimeout(r, ms, 1));",
                                          {{"memorySize", 1'024}});
  const base::UniqueFd running = connect_to(server);
  send_invoke(running.get(), id, 4, "1500");
  EXPECT_TRUE(server.wait_for_instances("running", 1));
  {
    const base::UniqueFd waiting = connect_to(server);
    send_invoke(waiting.get(), id, 1, "1");
    EXPECT_TRUE(eventually([&] { return calls(server, "waiting") == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return calls(server, "waiting") == 0; }));
  EXPECT_EQ(server.invoke(id, "1").status, 200);
}

}  // namespace
}  // namespace hearth::test

#include "tests/support/hearth_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "archive/archive.h"
#include "base/base64.h"
#include "base/testing/free_port.h"
#include "base/unique_fd.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

pid_t spawn(const std::vector<std::string>& command, int in, int out,
            const std::vector<std::string>& environment) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    for (const auto& variable : environment) {
      ::putenv(const_cast<char*>(variable.c_str()));
    }
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  return pid;
}

// The exit status; -1 when it is still running at the bound.
int wait_for_exit(pid_t pid, milliseconds bound) {
  int status = 0;
  const bool ended = eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, bound);
  if (!ended) {
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hearth-test-XXXXXX").string();
  const char* made = ::mkdtemp(pattern.data());
  path_ = made == nullptr ? "" : made;
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchFolder::write(const std::string& relative, std::string_view bytes) const {
  const std::filesystem::path file = std::filesystem::path(path_) / relative;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
  return file.string();
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string zip_of(const std::map<std::string, std::string>& files) {
  const ScratchFolder folder;
  for (const auto& [name, bytes] : files) {
    folder.write("content/" + name, bytes);
  }
  const std::string zip = folder.path() + "/function.zip";
  const auto packed = archive::pack_folder(folder.path() + "/content", zip, {});
  EXPECT_TRUE(packed) << (packed ? "" : packed.error().message);
  return read_file(zip);
}

std::string hearth_binary() {
  const char* path = std::getenv("HEARTH_BINARY");
  return path == nullptr ? "build/release/hearth" : path;
}

ProgramResult run_program(const std::vector<std::string>& command, const std::string& input,
                          const std::vector<std::string>& environment) {
  const ScratchFolder folder;
  const std::string in_path = folder.write("in", input);
  const std::string out_path = folder.write("out", "");
  const base::UniqueFd in(::open(in_path.c_str(), O_RDONLY | O_CLOEXEC));
  const base::UniqueFd out(::open(out_path.c_str(), O_WRONLY | O_CLOEXEC));
  const pid_t pid = spawn(command, in.get(), out.get(), environment);
  ProgramResult result;
  result.exit_code = wait_for_exit(pid, std::chrono::minutes(2));
  if (result.exit_code == -1) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  result.output = read_file(out_path);
  return result;
}

json::value Reply::json() const {
  boost::system::error_code error;
  json::value value = json::parse(body, error);
  return error ? json::value() : value;
}

std::string Reply::error_code() const {
  const json::value value = json();
  const auto* object = value.if_object();
  const auto* error = object == nullptr ? nullptr : object->if_contains("error");
  if (error == nullptr || !error->is_object() || !error->as_object().contains("code")) {
    return {};
  }
  return std::string(error->at("code").as_string());
}

std::string Reply::header(std::string_view name) const {
  for (const auto& header : headers) {
    if (::strcasecmp(header.name.c_str(), std::string(name).c_str()) == 0) {
      return header.value;
    }
  }
  return {};
}

std::string function_settings(std::string_view zip, const std::string& name, int memory_mb) {
  return json::serialize(
      json::object{{"name", name}, {"memorySize", memory_mb}, {"zipFile", base::base64_encode(zip)}});
}

// As a person asks. The certificate is nobody's.
Reply get_with_tls(const std::string& url) {
  const ProgramResult asked =
      run_program({"/usr/bin/curl", "--insecure", "--silent", "--write-out", "\n%{http_code}", url});
  const std::size_t line = asked.output.rfind('\n');
  if (asked.exit_code != 0 || line == std::string::npos) {
    return {};
  }
  return {std::stoi(asked.output.substr(line + 1)), asked.output.substr(0, line), {}};
}

HearthServer::HearthServer() : HearthServer(Options{}) {}

HearthServer::HearthServer(Options options) {
  own_folder_ = std::make_unique<ScratchFolder>();
  data_dir_ = options.data_dir.empty() ? own_folder_->path() + "/data" : options.data_dir;
  log_path_ = own_folder_->write("server.log", "");
  port_ = free_port();
  tls_ = options.tls;
  std::vector<std::string> command = std::move(options.program);
  if (command.empty()) {
    command = {hearth_binary(), "serve"};
  }
  command.insert(command.end(), {"--listen", "127.0.0.1:" + std::to_string(port_), "--data-dir", data_dir_});
  if (options.advertise) {
    command.insert(command.end(), {"--advertise", endpoint()});
  }
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  const base::UniqueFd in(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const base::UniqueFd out(::open(log_path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  pid_ = spawn(command, in.get(), out.get(), options.environment);
  const auto refuses = [&] {
    const int status = options.may_refuse ? wait_for_exit(pid_, milliseconds(0)) : -1;
    if (status != -1) {
      refusal_ = status;
      pid_ = -1;
    }
    return status != -1;
  };
  const bool up = eventually([&] { return get("/health").status == 200 || refuses(); }, options.start_bound);
  EXPECT_TRUE(up) << "hearth serve did not come up:\n" << log();
}

HearthServer::~HearthServer() {
  if (pid_ > 0) {
    EXPECT_EQ(stop(), 0) << log();
  }
}

std::string HearthServer::endpoint() const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::string HearthServer::log() const { return read_file(log_path_); }

int HearthServer::stop(std::chrono::seconds bound) {
  if (pid_ <= 0) {
    return -1;
  }
  ::kill(pid_, SIGTERM);
  const int status = wait_for_exit(pid_, bound);
  if (status == -1) {
    kill();
  }
  pid_ = -1;
  return status;
}

int HearthServer::wait_for_end(std::chrono::seconds bound) {
  const int status = wait_for_exit(pid_, bound);
  pid_ = status == -1 ? pid_ : -1;
  return status;
}

void HearthServer::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::unique_ptr<http::Client> HearthServer::connect(milliseconds timeout) const {
  return std::make_unique<http::Client>(endpoint(), timeout);
}

Reply HearthServer::request(http::Method method, std::string_view target, std::string_view body,
                            std::string_view type) const {
  auto response = connect()->request(method, target, body, type);
  if (!response) {
    return {};
  }
  return {response->status, std::move(response->body), std::move(response->headers)};
}

Reply HearthServer::get(std::string_view target) const {
  return tls_ ? get_with_tls(endpoint() + std::string(target)) : request(http::Method::kGet, target, {}, {});
}

Reply HearthServer::post(std::string_view target, std::string_view body, std::string_view type) const {
  return request(http::Method::kPost, target, body, type);
}

Reply HearthServer::patch(std::string_view target, std::string_view body) const {
  return request(http::Method::kPatch, target, body, "application/json");
}
Reply HearthServer::put(std::string_view target, std::string_view body, std::string_view type) const {
  return request(http::Method::kPut, target, body, type);
}

Reply HearthServer::del(std::string_view target) const {
  return request(http::Method::kDelete, target, {}, {});
}

Reply HearthServer::update_js(std::string_view id, std::string_view index_js, json::object settings) const {
  settings["zipFile"] = base::base64_encode(zip_of({{"index.js", std::string(index_js)}}));
  return put("/functions/" + std::string(id) + "/code", json::serialize(settings), "application/json");
}
Reply HearthServer::create_zip(std::string_view zip, json::object settings) const {
  settings["zipFile"] = base::base64_encode(zip);
  return post("/functions", json::serialize(settings));
}

std::string HearthServer::create(const std::map<std::string, std::string>& files,
                                 json::object settings) const {
  const Reply reply = create_zip(zip_of(files), std::move(settings));
  EXPECT_EQ(reply.status, 201) << reply.body;
  return reply.status == 201 ? std::string(reply.json().at("id").as_string()) : std::string();
}

std::string HearthServer::create_js(std::string_view index_js, json::object settings) const {
  return create({{"index.js", std::string(index_js)}}, std::move(settings));
}

Reply HearthServer::invoke(std::string_view id, std::string_view body) const {
  return post("/functions/" + std::string(id) + "/invoke", body);
}

json::value HearthServer::health() const { return get("/health").json(); }

std::int64_t HearthServer::instances(std::initializer_list<std::string_view> states) const {
  const json::value status = health();
  const auto* object = status.if_object();
  if (object == nullptr) {
    return -1;
  }
  std::int64_t sum = 0;
  for (const auto state : states) {
    const auto* count = object->at("instances").as_object().if_contains(state);
    sum += count == nullptr ? 0 : count->to_number<std::int64_t>();
  }
  return sum;
}

bool HearthServer::wait_for_instances(std::string_view state, std::int64_t count, milliseconds bound) const {
  return eventually([&] { return instances(state) == count; }, bound);
}

HearthServer::Options with_flags(std::vector<std::string> flags, std::string data_dir) {
  HearthServer::Options options;
  options.flags = std::move(flags);
  options.data_dir = std::move(data_dir);
  return options;
}

bool eventually(const std::function<bool()>& condition, milliseconds bound) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) {
      return false;
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

std::uint16_t free_port() { return base::free_port(); }

}  // namespace hearth::test

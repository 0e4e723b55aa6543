#include "sandbox/testing/driver.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "sandbox/testing/adapters.h"

namespace hearth::sandbox::testing {
namespace {

using Clock = std::chrono::steady_clock;

// Of a pipe: the end to read from, which is ours unless the probe is to read, and the end to write to.
struct Pipe {
  base::UniqueFd reading, writing;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

int milliseconds_until(Clock::time_point deadline) {
  return static_cast<int>(std::max<std::int64_t>(
      0, std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count()));
}

// Its first request: what its command line would be. One that was executed may have gone.
void send_words(const base::UniqueFd& requests, const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) {
    text.append(word).push_back('\0');
  }
  text.push_back('\n');
  const auto written = ::write(requests.get(), text.data(), text.size());
  EXPECT_TRUE(written == static_cast<ssize_t>(text.size()) || errno == EPIPE);
}

}  // namespace

Driver::Driver(Backend& backend, Begin begin) : backend_(backend), begin_(begin) {
  std::signal(SIGPIPE, SIG_IGN);  // send_words()
}

Driver::~Driver() {
  if (!empty_folder_.empty()) {
    ::rmdir(empty_folder_.c_str());
  }
}

base::UniqueFd Driver::open_empty_folder() {
  if (empty_folder_.empty()) {
    empty_folder_ = std::filesystem::temp_directory_path() / "hearth-empty-XXXXXX";
    EXPECT_NE(::mkdtemp(empty_folder_.data()), nullptr);
    ::chmod(empty_folder_.c_str(), 0755);
  }
  return base::UniqueFd(::open(empty_folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

Spec Driver::probe_spec(std::vector<std::string> arguments) {
  Spec spec;
  spec.name = "probe-" + std::to_string(::getpid()) + "-" + std::to_string(++made_);
  spec.program = HEARTH_SANDBOX_PROBE;
  spec.arguments = std::move(arguments);
  spec.arguments.push_back(spec.name);  // by which its processes are found on the host
  return spec;
}

base::Result<Running> Driver::start(const Spec& spec, base::UniqueFd code_folder) {
  auto requests = make_pipe();
  auto answers = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  Descriptors descriptors{std::move(code_folder), std::move(requests.reading), std::move(out.writing),
                          std::move(err.writing), std::move(answers.writing)};
  Spec as_started = spec;
  if (begin_ == Begin::kForked) {
    as_started.arguments = probe_zygote().arguments;
    if (!descriptors.code_folder.valid()) {
      descriptors.code_folder = open_empty_folder();
    }
  }
  if (auto started = backend_.start(as_started, std::move(descriptors)); !started) {
    return started.error();
  }
  if (begin_ == Begin::kForked) {
    send_words(requests.writing, spec.arguments);
  }
  return Running{spec.name, std::move(requests.writing), std::move(answers.reading), std::move(out.reading),
                 std::move(err.reading)};
}

void Driver::await_zygote() {
  const auto deadline = Clock::now() + kPatience;
  do {
    ASSERT_LT(Clock::now(), deadline) << "no zygote";
    backend_.prepare();
  } while (run_probe({"exit", "0"}).exit.code != 0);
}

void Driver::collect() {
  for (auto& exit : backend_.collect()) {
    seen[exit.name].push_back(exit);
  }
}

std::optional<Exit> Driver::wait_exit(const std::string& name) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    collect();
    if (const auto found = seen.find(name); found != seen.end()) {
      return found->second.front();
    }
    pollfd ready{backend_.ready_fd(), POLLIN, 0};
    if (::poll(&ready, 1, milliseconds_until(deadline)) == 0) {
      return std::nullopt;
    }
  }
}

Finished Driver::run(const Spec& spec, base::UniqueFd code_folder) {
  auto running = start(spec, std::move(code_folder));
  if (!running) {
    ADD_FAILURE() << running.error().message;
    return {};
  }
  const auto exit = wait_exit(spec.name);
  EXPECT_TRUE(exit.has_value()) << spec.name << " did not end";
  return {exit.value_or(Exit{}), read_all(running->out), read_all(running->err)};
}

std::string read_some(const base::UniqueFd& fd, const std::string& until) {
  const auto deadline = Clock::now() + kPatience;
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.find(until) == std::string::npos) {
    pollfd ready{fd.get(), POLLIN, 0};
    if (::poll(&ready, 1, milliseconds_until(deadline)) != 1) {
      break;
    }
    const auto n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n <= 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

std::string read_all(const base::UniqueFd& fd) { return read_some(fd, std::string("\0end", 4)); }

std::map<std::string, std::string> parse_lines(const std::string& text) {
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    values[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
  }
  return values;
}

CodeFolder::CodeFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "hearth-code-XXXXXX";
  path_ = ::mkdtemp(pattern.data());
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
  std::ofstream(path_ + "/" + kFile) << kText;
}

CodeFolder::~CodeFolder() { std::filesystem::remove_all(path_); }

base::UniqueFd CodeFolder::open() const {
  return base::UniqueFd(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int count_processes(const std::string& text) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::ifstream in(entry.path() / "cmdline");
    std::ostringstream line;
    line << in.rdbuf();  // fails, without an exception, when the process ends meanwhile
    count += line.str().find(text) != std::string::npos ? 1 : 0;
  }
  return count;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the kernel offers nothing to wait on
  }
  return true;
}

}  // namespace hearth::sandbox::testing

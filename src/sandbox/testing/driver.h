// Drives a Backend the way the launcher does, for tests: starts the probe, keeps our ends of its
// descriptors, and waits for ends with a deadline. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/sandbox.h"

namespace hearth::sandbox::testing {

inline constexpr std::chrono::seconds kPatience{20};

// Our ends of one sandbox's descriptors.
struct Running {
  std::string name;
  base::UniqueFd requests;
  base::UniqueFd answers;
  base::UniqueFd out;
  base::UniqueFd err;
};

struct Finished {
  Exit exit;
  std::string out;
  std::string err;
};

// Whether the probe is executed, or forked from the zygote that probe_zygote() describes.
enum class Begin { kExecuted, kForked };

class Driver {
 public:
  explicit Driver(Backend& backend, Begin begin = Begin::kExecuted);
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  ~Driver();

  // The probe with these arguments, and its name as the last one.
  Spec probe_spec(std::vector<std::string> arguments);
  base::Result<Running> start(const Spec& spec, base::UniqueFd code_folder = {});

  // Until the zygote has booted; the probe is forked from then on. Fails the test after kPatience.
  void await_zygote();

  // Nothing after kPatience.
  std::optional<Exit> wait_exit(const std::string& name);
  // Starts it, waits for the exit, reads what it wrote (a pipe's content at most). Fails the test if it
  // cannot.
  Finished run(const Spec& spec, base::UniqueFd code_folder = {});
  Finished run_probe(std::vector<std::string> arguments) { return run(probe_spec(std::move(arguments))); }

  // Exits that came while another was waited for.
  std::map<std::string, std::vector<Exit>> seen;

 private:
  void collect();
  base::UniqueFd open_empty_folder();

  Backend& backend_;
  const Begin begin_;
  std::string empty_folder_;  // the code of what is forked, which has to have one
  int made_ = 0;
};

// Reads until the text holds `until` (a line's end by default), the other end closes, or kPatience.
std::string read_some(const base::UniqueFd& fd, const std::string& until = "\n");
std::string read_all(const base::UniqueFd& fd);

// "name value" lines of the probe.
std::map<std::string, std::string> parse_lines(const std::string& text);

// A folder with one file, removed at the end.
class CodeFolder {
 public:
  CodeFolder();
  CodeFolder(const CodeFolder&) = delete;
  CodeFolder& operator=(const CodeFolder&) = delete;
  ~CodeFolder();

  const std::string& path() const { return path_; }
  base::UniqueFd open() const;
  static constexpr const char* kFile = "index.js";
  static constexpr const char* kText = "module.exports = 42\n";

 private:
  std::string path_;
};

// Processes of this host with `text` in their command line.
int count_processes(const std::string& text);
// Waits until `condition` holds; false after kPatience.
bool eventually(const std::function<bool()>& condition);

}  // namespace hearth::sandbox::testing

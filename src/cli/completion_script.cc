#include "cli/completion_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::cli {
namespace {

// Commands whose argument is a function's name.
constexpr std::string_view kTakesFunction =
    "invoke|show|logs|executions|versions|rollback|alias|async|delete";
constexpr std::string_view kListNames = "hearth --timeout 1s list --quiet 2>/dev/null";
// Commands whose argument is an execution's id.
constexpr std::string_view kTakesExecution = "execution|cancel|redrive";
constexpr std::string_view kListIds = "hearth --timeout 1s executions --quiet --limit 50 2>/dev/null";

// For inside single quotes.
std::string quoted(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result;
}

std::string joined(const std::vector<CompletionWord>& words) {
  std::string result;
  for (const auto& word : words) {
    result += (result.empty() ? "" : " ") + word.text;
  }
  return result;
}

std::string joined_names(const std::vector<CompletionCommand>& commands) {
  std::string result;
  for (const auto& command : commands) {
    result += (result.empty() ? "" : " ") + command.name.text;
  }
  return result;
}

constexpr std::string_view kBash = R"script(# bash completion for hearth
_hearth() {
  local current=${COMP_WORDS[COMP_CWORD]} command="" options="" word index
  for ((index = 1; index < COMP_CWORD; ++index)); do
    word=${COMP_WORDS[index]}
    case "$word" in
      --endpoint | --api-key | --timeout) index=$((index + 1)) ;;
      -*) ;;
      *) command=$word; break ;;
    esac
  done
  COMPREPLY=()
  case "$command" in
    "") mapfile -t COMPREPLY < <(compgen -W "@names@ @globals@" -- "$current"); return ;;
@cases@  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options @globals@" -- "$current")
    return
  fi
  case "$command" in
    @takes_function@) mapfile -t COMPREPLY < <(compgen -W "$(@list_names@)" -- "$current") ;;
    @takes_execution@) mapfile -t COMPREPLY < <(compgen -W "$(@list_ids@)" -- "$current") ;;
    deploy) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    workers) mapfile -t COMPREPLY < <(compgen -W "drain" -- "$current") ;;
    completion) mapfile -t COMPREPLY < <(compgen -W "bash zsh fish" -- "$current") ;;
  esac
}
complete -o filenames -F _hearth hearth
)script";

constexpr std::string_view kZsh = R"script(#compdef hearth
_hearth() {
  local -a commands options names
  local command=${words[(r)(@alternatives@)]}
  commands=(@names@)
  options=(@globals@)
  case "$command" in
@cases@  esac
  if [[ $PREFIX == -* ]]; then
    _describe option options
    return
  fi
  case "$command" in
    "") _describe command commands ;;
    @takes_function@) names=(${(f)"$(@list_names@)"}); _describe function names ;;
    @takes_execution@) names=(${(f)"$(@list_ids@)"}); _describe execution names ;;
    completion) _values shell bash zsh fish ;;
    workers) _values action drain ;;
    *) _files ;;
  esac
}
compdef _hearth hearth
)script";

using Values = std::vector<std::pair<std::string_view, std::string>>;

// Each "@name@" of the text replaced by its value.
std::string filled(std::string_view script, const Values& values) {
  std::string result(script);
  for (const auto& [name, value] : values) {
    const std::string mark = "@" + std::string(name) + "@";
    for (std::size_t at = result.find(mark); at != std::string::npos;
         at = result.find(mark, at + value.size())) {
      result.replace(at, mark.size(), value);
    }
  }
  return result;
}

std::string bash_script(const std::vector<CompletionCommand>& commands,
                        const std::vector<CompletionWord>& globals) {
  std::string cases;
  for (const auto& command : commands) {
    cases += fmt::format("    {}) options=\"{}\" ;;\n", command.name.text, joined(command.options));
  }
  return filled(kBash, {{"names", joined_names(commands)},
                        {"globals", joined(globals)},
                        {"cases", cases},
                        {"takes_function", std::string(kTakesFunction)},
                        {"list_names", std::string(kListNames)},
                        {"takes_execution", std::string(kTakesExecution)},
                        {"list_ids", std::string(kListIds)}});
}

std::string zsh_words(const std::vector<CompletionWord>& words) {
  std::string result;
  for (const auto& word : words) {
    result += fmt::format(" '{}:{}'", word.text, quoted(word.description));
  }
  return result;
}

std::string zsh_script(const std::vector<CompletionCommand>& commands,
                       const std::vector<CompletionWord>& globals) {
  std::vector<CompletionWord> names;
  std::string cases;
  for (const auto& command : commands) {
    names.push_back(command.name);
    cases += fmt::format("    {}) options+=({}) ;;\n", command.name.text, zsh_words(command.options));
  }
  std::string alternatives = joined_names(commands);
  std::replace(alternatives.begin(), alternatives.end(), ' ', '|');
  return filled(kZsh, {{"alternatives", alternatives},
                       {"names", zsh_words(names)},
                       {"globals", zsh_words(globals)},
                       {"cases", cases},
                       {"takes_function", std::string(kTakesFunction)},
                       {"list_names", std::string(kListNames)},
                       {"takes_execution", std::string(kTakesExecution)},
                       {"list_ids", std::string(kListIds)}});
}

std::string fish_option(std::string_view condition, const CompletionWord& word) {
  return fmt::format("complete -c hearth{} -l {} -d '{}'\n", condition, word.text.substr(2),
                     quoted(word.description));
}

// For the commands "a|b".
std::string fish_arguments(std::string_view commands, std::string_view list) {
  std::string names(commands);
  std::replace(names.begin(), names.end(), '|', ' ');
  return fmt::format("complete -c hearth -f -n '__fish_seen_subcommand_from {}' -a '({})'\n", names, list);
}

std::string fish_script(const std::vector<CompletionCommand>& commands,
                        const std::vector<CompletionWord>& globals) {
  std::string script = "# fish completion for hearth\n";
  for (const auto& word : globals) {
    script += fish_option("", word);
  }
  for (const auto& command : commands) {
    script += fmt::format("complete -c hearth -f -n __fish_use_subcommand -a {} -d '{}'\n", command.name.text,
                          quoted(command.name.description));
    for (const auto& option : command.options) {
      script += fish_option(fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name.text), option);
    }
  }
  script += fish_arguments(kTakesFunction, kListNames);
  script += fish_arguments(kTakesExecution, kListIds);
  script += "complete -c hearth -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n";
  script += "complete -c hearth -f -n '__fish_seen_subcommand_from workers' -a drain\n";
  return script;
}

}  // namespace

std::string completion_script(std::string_view shell, const std::vector<CompletionCommand>& commands,
                              const std::vector<CompletionWord>& global_options) {
  if (shell == "bash") {
    return bash_script(commands, global_options);
  }
  return shell == "zsh" ? zsh_script(commands, global_options) : fish_script(commands, global_options);
}

}  // namespace hearth::cli

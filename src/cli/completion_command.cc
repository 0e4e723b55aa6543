// hearth completion SHELL: a script that the shell loads.
#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/completion_script.h"
#include "cli/exit_code.h"

namespace hearth::cli {
namespace {

// --help is every command's, and every group's: nobody needs it completed.
std::vector<CompletionWord> options_of(const CLI::App& app) {
  std::vector<CompletionWord> words;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      if (name != "help") {
        words.push_back({"--" + name, option->get_description()});
      }
    }
  }
  // Option groups are apps without a name.
  for (const auto* group : app.get_subcommands([](const CLI::App* one) { return one->get_name().empty(); })) {
    const auto grouped = options_of(*group);
    words.insert(words.end(), grouped.begin(), grouped.end());
  }
  return words;
}

std::vector<CompletionCommand> commands_of(const CLI::App& app) {
  std::vector<CompletionCommand> commands;
  for (const auto* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back({{subcommand->get_name(), subcommand->get_description()}, options_of(*subcommand)});
  }
  return commands;
}

}  // namespace

Command completion_command() {
  auto shell = std::make_shared<std::string>();
  Command command;
  command.name = "completion";
  command.summary = "Print the completion script for a shell";
  command.details = R"(Examples:
  source <(hearth completion bash)                                  # bash, for this session
  hearth completion bash > /etc/bash_completion.d/hearth            # bash, for everybody
  hearth completion zsh > "${fpath[1]}/_hearth"                     # zsh
  hearth completion fish > ~/.config/fish/completions/hearth.fish   # fish
)";
  command.add_options = [shell](CLI::App& app) {
    app.add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  };
  command.run = [shell](Context& context) {
    context.terminal.out << completion_script(*shell, commands_of(context.app), options_of(context.app));
    return static_cast<int>(kOk);
  };
  return command;
}

}  // namespace hearth::cli

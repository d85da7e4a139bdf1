// Child processes whose wall time and peak memory are measured.
#pragma once
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

/// What became of a process.
struct Child {
  double ms = 0;
  double peak_mib = 0;
  bool ok = false;
};
/// Runs a program to its end, with nothing on its standard output. A child's peak counts what its parent held when it
/// was started: start children first.
inline Child run_child(const std::vector<std::string>& command, const std::vector<std::string>& environment = {}) {
  std::vector<char*> argv, env;
  for (const std::string& s : command) argv.push_back(const_cast<char*>(s.c_str()));
  argv.push_back(nullptr);
  for (char** e = environ; *e; ++e) env.push_back(*e);
  for (const std::string& s : environment) env.push_back(const_cast<char*>(s.c_str()));
  env.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const auto start = std::chrono::steady_clock::now();
  pid_t pid = 0;
  Child child;
  if (posix_spawn(&pid, argv[0], &quiet, nullptr, argv.data(), env.data()) == 0) {
    int status = 0;
    rusage usage{};
    wait4(pid, &status, 0, &usage);
    child = {std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count(),
             static_cast<double>(usage.ru_maxrss) / 1024, WIFEXITED(status) && WEXITSTATUS(status) == 0};
  }
  posix_spawn_file_actions_destroy(&quiet);
  return child;
}

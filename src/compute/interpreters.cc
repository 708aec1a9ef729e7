#include "compute/interpreters.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <tuple>

namespace slipway::compute {
namespace {
namespace fs = std::filesystem;

const std::vector<int> kNewestByDefault{3, 12};

// The leading "3.8.18" of a text, as numbers; empty when it does not begin with one.
std::vector<int> parse_version(std::string_view text) {
  std::vector<int> out;
  while (!text.empty()) {
    int number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc()) break;
    out.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return out;
}

void add(std::vector<Interpreter>& out, std::string_view version, const fs::path& path) {
  auto numbers = parse_version(version);
  std::error_code ec;
  if (numbers.size() < 2 || numbers.front() != 3 || !fs::exists(path, ec)) return;
  out.push_back({std::move(numbers), path});
}

// <root>/<prefix>3.8.18…/bin/python3
void add_managed(std::vector<Interpreter>& out, const fs::path& root, std::string_view prefix) {
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(root, ec)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix) && !entry.is_symlink())
      add(out, std::string_view(name).substr(prefix.size()), entry.path() / "bin/python3");
  }
}

void add_system(std::vector<Interpreter>& out, const fs::path& folder) {
  constexpr std::string_view kPrefix = "python";
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec)) {
    const std::string name = entry.path().filename();
    const auto version = std::string_view(name).substr(std::min(kPrefix.size(), name.size()));
    const bool plain = version.find_first_not_of("0123456789.") == version.npos;
    if (name.starts_with(kPrefix) && plain) add(out, version, entry.path());
  }
}

std::string versions_of(const std::vector<Interpreter>& found) {
  std::vector<std::string> texts;
  for (const auto& each : found)
    if (std::find(texts.begin(), texts.end(), each.text()) == texts.end())
      texts.push_back(each.text());
  return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
}

bool begins_with(const std::vector<int>& version, const std::vector<int>& prefix) {
  const auto length = std::min(version.size(), prefix.size());
  return std::equal(prefix.begin(), prefix.begin() + static_cast<std::ptrdiff_t>(length),
                    version.begin());
}

int minors_apart(const Interpreter& each, const std::vector<int>& asked) {
  return std::abs(each.version[1] - asked[1]);
}

}  // namespace

std::string Interpreter::text() const { return fmt::format("{}", fmt::join(version, ".")); }

std::vector<Interpreter> find_interpreters() {
  std::vector<Interpreter> out;
  const char* home = std::getenv("HOME");
  const fs::path own = home == nullptr ? "/" : home;
  const char* pyenv = std::getenv("PYENV_ROOT");
  add_managed(out, (pyenv == nullptr ? own / ".pyenv" : fs::path(pyenv)) / "versions", "");
  add_managed(out, own / ".local/share/uv/python", "cpython-");
  add_managed(out, own / ".asdf/installs/python", "");
  add_system(out, "/usr/local/bin");
  add_system(out, "/usr/bin");
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::tie(b.version, a.path) < std::tie(a.version, b.path);
  });
  return out;
}

Result<Chosen> choose_interpreter(const std::vector<Interpreter>& found, const std::string& asked,
                                  bool nearest) {
  const auto wanted = asked.empty() ? kNewestByDefault : parse_version(asked);
  const auto first = [&](auto&& fits) -> const Interpreter* {
    const auto at = std::find_if(found.begin(), found.end(), fits);
    return at == found.end() ? nullptr : &*at;
  };
  if (asked.empty()) {
    const auto* each = first([&](const auto& i) {
      return std::pair(i.version[0], i.version[1]) <= std::pair(wanted[0], wanted[1]);
    });
    if (each != nullptr) return Chosen{*each, {}};
  }
  if (wanted.size() >= 2) {
    if (const auto* exact = first([&](const auto& i) { return begins_with(i.version, wanted); }))
      return Chosen{*exact, {}};
    const std::vector<int> minor(wanted.begin(), wanted.begin() + 2);
    if (const auto* same = first([&](const auto& i) { return begins_with(i.version, minor); }))
      return Chosen{*same,
                    fmt::format("python={} was asked for; {} is here and differs in the patch "
                                "only, so it is taken",
                                asked, same->text())};
    const auto closest =
        std::min_element(found.begin(), found.end(), [&](const auto& a, const auto& b) {
          return minors_apart(a, wanted) < minors_apart(b, wanted);
        });
    if (nearest && closest != found.end())
      return Chosen{*closest,
                    fmt::format("python={} was asked for and is not to be had; the nearest, "
                                "{}, is taken",
                                asked, closest->text())};
  }
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("python={} is not to be had; here are {}. Ask for one of them, install it, "
                  "or start the server with --environment-policy nearest",
                  asked, versions_of(found)),
      "ImageBuildFailure", "python.condaDependencies.dependencies");
}

}  // namespace slipway::compute

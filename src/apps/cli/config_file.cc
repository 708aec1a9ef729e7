#include "apps/cli/config_file.h"

#include <yaml-cpp/yaml.h>

#include <charconv>

#include "base/file.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kConfigBytes = 1 << 20;

template <class Number>
bool reads_as(std::string_view text, Number& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

json::value plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  std::int64_t whole = 0;
  if (reads_as(text, whole)) return whole;
  double real = 0;
  if (text.find_first_of("0123456789") != std::string::npos && reads_as(text, real)) return real;
  return json::value(text);
}

class Converter {
 public:
  Result<json::value> convert(const YAML::Node& node, std::size_t depth) {
    if (depth > kJsonMaxDepth || ++nodes_ > kMaxNodes)
      return fail(ErrorCode::invalid_argument, "nested too deeply, or too many values");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return node.Tag() == "!" ? json::value(node.Scalar()) : plain_scalar(node.Scalar());
      case YAML::NodeType::Sequence: return sequence(node, depth);
      case YAML::NodeType::Map: return map(node, depth);
      default: return json::value(nullptr);
    }
  }

 private:
  Result<json::value> sequence(const YAML::Node& node, std::size_t depth) {
    json::array out;
    for (const auto& item : node) {
      TRY(auto value, convert(item, depth + 1));
      out.push_back(std::move(value));
    }
    return json::value(std::move(out));
  }

  Result<json::value> map(const YAML::Node& node, std::size_t depth) {
    json::object out;
    for (const auto& member : node) {
      if (!member.first.IsScalar())
        return fail(ErrorCode::invalid_argument, "a key must be a plain word");
      TRY(auto value, convert(member.second, depth + 1));
      out[member.first.Scalar()] = std::move(value);
    }
    return json::value(std::move(out));
  }

  std::size_t nodes_ = 0;
};

}  // namespace

Result<json::value> parse_yaml(std::string_view text) try {
  return Converter().convert(YAML::Load(std::string(text)), 0);
} catch (const YAML::Exception& error) {
  return fail(ErrorCode::invalid_argument, error.what());
}

Result<json::value> parse_json_or_yaml(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '{') return parse_json(text);
  return parse_yaml(text);
}

Result<json::value> load_config(const std::filesystem::path& path) {
  auto text = read_file(path, kConfigBytes);
  if (!text) {
    if (text.error().code != ErrorCode::not_found) return text.error();
    return fail(ErrorCode::invalid_argument, "there is no file " + path.string(), "FileNotFound",
                path.string());
  }
  auto value = parse_json_or_yaml(*text);
  if (value) return value;
  return fail(ErrorCode::invalid_argument,
              path.string() + " is neither JSON nor YAML: " + value.error().message,
              "InvalidConfiguration", path.string());
}

}  // namespace slipway::cli

#include "apps/cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace slipway::cli {
namespace {

bool is_scalar(const json::value& value) { return !value.is_structured(); }

// Boost.JSON writes 0.5 as 5E-1; people write it as they read it.
std::string scalar(const json::value& value) {
  return value.is_double() ? fmt::format("{}", value.get_double()) : json::serialize(value);
}

// ---- json, jsonc

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kKeyColour = "\x1b[94m";
constexpr std::string_view kStringColour = "\x1b[32m";
constexpr std::string_view kOtherColour = "\x1b[36m";

std::string painted(std::string text, std::string_view colour, Colour on) {
  return on == Colour::on ? std::string(colour) + text + std::string(kReset) : text;
}

void write_json(const json::value& value, int indent, Colour colour, std::string& out);

void write_members(const json::object& object, int indent, Colour colour, std::string& out) {
  std::size_t left = object.size();
  for (const auto& member : object) {
    out += std::string(indent + 2, ' ');
    out += painted(json::serialize(json::value(member.key())), kKeyColour, colour) + ": ";
    write_json(member.value(), indent + 2, colour, out);
    out += --left == 0 ? "\n" : ",\n";
  }
}

void write_items(const json::array& array, int indent, Colour colour, std::string& out) {
  std::size_t left = array.size();
  for (const auto& item : array) {
    out += std::string(indent + 2, ' ');
    write_json(item, indent + 2, colour, out);
    out += --left == 0 ? "\n" : ",\n";
  }
}

void write_json(const json::value& value, int indent, Colour colour, std::string& out) {
  const std::string end(indent, ' ');
  if (const auto* object = value.if_object()) {
    if (object->empty()) return static_cast<void>(out += "{}");
    out += "{\n";
    write_members(*object, indent, colour, out);
    out += end + "}";
  } else if (const auto* array = value.if_array()) {
    if (array->empty()) return static_cast<void>(out += "[]");
    out += "[\n";
    write_items(*array, indent, colour, out);
    out += end + "]";
  } else {
    out += painted(scalar(value), value.is_string() ? kStringColour : kOtherColour, colour);
  }
}

// ---- table

// A scalar as people write it; a tab or line break would tear the row apart.
std::string cell(const json::value& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return scalar(value);
  std::string text(value.get_string());
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  return text;
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

using Row = std::vector<std::string>;

std::string heading(std::string_view key) {
  std::string out(key);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

// The scalar members of all rows, in the order of their first appearance.
Row headings(const json::array& rows) {
  Row out;
  for (const auto& row : rows) {
    if (!row.is_object()) continue;
    for (const auto& member : row.get_object()) {
      const std::string key(member.key());
      if (is_scalar(member.value()) && std::ranges::find(out, key) == out.end()) out.push_back(key);
    }
  }
  return out;
}

// Rows that are lists ("[].[name, state]") have numbered columns.
Row cells_of(const json::value& row, const Row& keys) {
  Row out;
  if (const auto* array = row.if_array()) {
    for (const auto& item : *array) out.push_back(is_scalar(item) ? cell(item) : "");
  } else if (row.is_object()) {
    for (const auto& key : keys) {
      const auto* value = find(row, key);
      out.push_back(value != nullptr && is_scalar(*value) ? cell(*value) : "");
    }
  } else {
    out.push_back(cell(row));
  }
  return out;
}

std::string line_of(const Row& row, const std::vector<std::size_t>& widths, char fill) {
  std::string line;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const std::string text = i < row.size() ? row[i] : "";
    line += (i == 0 ? "" : "  ") + text + std::string(widths[i] - columns_of(text), fill);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string table(const json::value& value) {
  const json::array rows = value.is_array() ? value.get_array() : json::array{value};
  const Row keys = headings(rows);
  std::vector<Row> lines;
  for (const auto& row : rows) lines.push_back(cells_of(row, keys));
  std::size_t count = keys.size();
  for (const auto& line : lines) count = std::max(count, line.size());
  if (lines.empty() || count == 0) return "";
  Row titles;
  for (std::size_t i = 0; i < count; ++i)
    titles.push_back(
        i < keys.size() ? heading(keys[i])
                        : (keys.empty() && count == 1 ? "Result" : fmt::format("Column{}", i + 1)));
  std::vector<std::size_t> widths(count);
  for (std::size_t i = 0; i < count; ++i) {
    widths[i] = columns_of(titles[i]);
    for (const auto& line : lines)
      if (i < line.size()) widths[i] = std::max(widths[i], columns_of(line[i]));
  }
  std::string out = line_of(titles, widths, ' ') + line_of({}, widths, '-');
  for (const auto& line : lines) out += line_of(line, widths, ' ');
  return out;
}

// ---- tsv, as az writes it: a list inside a row is its length, an object nothing, null "None"

std::string tsv_field(const json::value& value) {
  if (value.is_array()) return std::to_string(value.get_array().size());
  if (value.is_object()) return "";
  return value.is_null() ? "None" : cell(value);
}

std::string tsv_row(const json::value& row) {
  std::string out;
  if (const auto* object = row.if_object()) {
    for (const auto& member : *object) out += tsv_field(member.value()) + "\t";
  } else if (const auto* array = row.if_array()) {
    for (const auto& item : *array) out += tsv_field(item) + "\t";
  } else {
    return tsv_field(row) + "\n";
  }
  if (!out.empty()) out.pop_back();
  return out + "\n";
}

std::string tsv(const json::value& value) {
  if (!value.is_array()) return tsv_row(value);
  std::string out;
  for (const auto& row : value.get_array()) out += tsv_row(row);
  return out;
}

// ---- yaml

// Whether a string may stand without quotes and still be read as that string.
bool plain_in_yaml(std::string_view text) {
  static constexpr std::string_view kReserved[] = {"null", "true", "false", "yes", "no",
                                                   "on",   "off",  "y",     "n",   "~"};
  if (text.empty() || !std::isalpha(static_cast<unsigned char>(text[0]))) return false;
  if (!std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) ||
               std::string_view("_-./@+").find(static_cast<char>(c)) != std::string_view::npos;
      }))
    return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kReserved, lower) == std::end(kReserved);
}

// JSON's strings are YAML's double-quoted ones.
std::string yaml_scalar(const json::value& value) {
  if (value.is_string() && plain_in_yaml(value.get_string()))
    return std::string(value.get_string());
  return is_scalar(value) ? scalar(value) : json::serialize(value);
}

bool in_line(const json::value& value) {
  return is_scalar(value) ||
         (value.is_object() ? value.get_object().empty() : value.get_array().empty());
}

void write_yaml(const json::value& value, int indent, std::string& out) {
  const std::string margin(indent, ' ');
  const auto nested = [&](const json::value& child) {
    out += "\n";
    write_yaml(child, indent + 2, out);
  };
  if (in_line(value)) {
    out += margin + yaml_scalar(value) + "\n";
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      out += margin + yaml_scalar(json::value(member.key())) + ":";
      in_line(member.value()) ? void(out += " " + yaml_scalar(member.value()) + "\n")
                              : nested(member.value());
    }
  } else {
    for (const auto& item : value.get_array()) {
      out += margin + "-";
      in_line(item) ? void(out += " " + yaml_scalar(item) + "\n") : nested(item);
    }
  }
}

}  // namespace

std::string render(const json::value& value, std::string_view format, Colour colour) {
  if (value.is_null()) return "";
  if (format == "table") return table(value);
  if (format == "tsv") return tsv(value);
  std::string out;
  if (format == "yaml") {
    write_yaml(value, 0, out);
    return out;
  }
  write_json(value, 0, format == "jsonc" ? colour : Colour::off, out);
  return out + "\n";
}

}  // namespace slipway::cli

#include "api/paging.h"

#include <algorithm>
#include <charconv>

namespace slipway::api {
namespace {

constexpr std::size_t kBatch = 256;  // records read from the store at once

Result<std::int64_t> number(const Context& context, std::string_view name, std::int64_t otherwise) {
  const auto text = context.query_or(name, "");
  if (text.empty()) return otherwise;
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault == std::errc{} && end == text.data() + text.size() && value > 0) return value;
  return fail(ErrorCode::invalid_argument,
              std::string(name) + "=" + text + " must be a positive whole number", "BadRequest",
              std::string(name));
}

}  // namespace

Result<Page> list_page(const Context& context, std::string_view kind, std::string_view name_prefix,
                       ScanFrom from, const Filter& filter) {
  TRY(const auto count, number(context, "count", kPageDefault));
  TRY(const auto token, number(context, "$skipToken", 0));
  std::int64_t before = from == ScanFrom::token ? token : 0;
  const auto limit = std::min(static_cast<std::size_t>(count), kPageMax);
  Page page;
  while (true) {
    TRY(auto batch, context.store().list(kind, {.scope = context.workspace.uid,
                                                .name_prefix = std::string(name_prefix),
                                                .limit = kBatch,
                                                .before_sequence = before}));
    for (auto& record : batch) {
      const bool fits = filter(record);
      if (!fits || (token != 0 && record.sequence >= token)) continue;
      if (page.records.size() == limit) {
        page.next = std::to_string(page.records.back().sequence);
        return page;
      }
      page.records.push_back(std::move(record));
    }
    if (batch.size() < kBatch) return page;
    before = batch.back().sequence;
  }
}

json::object page_body(const Context& context, json::array value, const std::string& next) {
  json::object body{{"value", std::move(value)}};
  if (next.empty()) return body;
  std::string link = context.base_url + std::string(context.head.path()) + "?";
  for (const auto& [key, text] : context.query)
    if (key != "$skipToken")
      link += http::percent_encode(key) + "=" + http::percent_encode(text) + "&";
  body["nextLink"] = link + "$skipToken=" + next;
  return body;
}

bool tags_match(const resources::Tags& tags, std::string_view filter) {
  while (!filter.empty()) {
    const auto item = filter.substr(0, filter.find(','));
    filter.remove_prefix(std::min(item.size() + 1, filter.size()));
    const auto equals = item.find('=');
    const auto found = tags.find(std::string(item.substr(0, equals)));
    if (found == tags.end()) return false;
    if (equals != std::string_view::npos && found->second != item.substr(equals + 1)) return false;
  }
  return true;
}

}  // namespace slipway::api

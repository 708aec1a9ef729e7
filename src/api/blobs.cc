#include "api/blobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "api/artifact_store.h"
#include "api/block_list.h"
#include "api/range.h"
#include "api/signed_link.h"
#include "base/crypto.h"
#include "base/file.h"

namespace slipway::api {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;
constexpr std::uint64_t kBlockListBytes = 8 << 20;  // 50000 ids of 128 bytes and their tags

Result<SignedLink> authorise(const Context& context) {
  TRY(auto link,
      check_link(context.state.link_key, context.head.path(), context.query, context.now()));
  const bool writes = context.head.method == "PUT";
  if (link.use == 'w' || (link.use == 'r' && !writes)) return link;
  return fail(ErrorCode::forbidden, "the link does not allow " + context.head.method,
              "AuthorizationPermissionMismatch");
}

http::Response created(const std::string& etag, TimeMs now) {
  http::Response response{.status = 201};
  response.headers.set("ETag", "\"" + etag + "\"");
  response.headers.set("Last-Modified", http_date(now));
  response.headers.set("x-ms-version", "2021-08-06");
  response.headers.set("x-ms-request-server-encrypted", "false");
  return response;
}

// Everything that arrives goes to `upload`, a piece at a time, on the pool.
Task<Result<void>> receive(Context& context, http::Exchange& exchange, artifacts::Upload& upload) {
  while (true) {
    CO_TRY(const std::string_view piece, co_await exchange.read_some());
    if (piece.empty()) co_return Result<void>{};
    auto work = [&upload, piece] { return upload.write(piece); };
    CO_TRY_VOID(co_await run_on(*context.state.options.pool, work));
  }
}

Result<void> keep_blob(const Context& context, const SignedLink& link,
                       const artifacts::Blob& blob) {
  return context.store().write([&](store::Transaction& tx) -> Result<void> {
    const store::Key key{"artifact", link.scope, link.name};
    TRY(const auto record, tx.get(key));
    if (!record)
      return fail(ErrorCode::not_found, "the file '" + link.name + "' is no longer announced",
                  "BlobNotFound");
    TRY(auto artifact, desired<resources::Artifact>(*record));
    if (artifact.blob != context.param("blob"))
      return fail(ErrorCode::conflict, "the file was announced again; use the newer link",
                  "BlobOverwritten");
    artifact.digest = blob.digest;
    artifact.bytes = blob.bytes;
    TRY_VOID(tx.update(key, to_json(artifact)));
    return {};
  });
}

Task<Result<http::Response>> put_whole(Context& context, http::Exchange& exchange,
                                       const SignedLink& link) {
  auto& pool = *context.state.options.pool;
  CO_TRY(const std::string md5, from_base64(context.head.headers.get_or("Content-MD5", "")));
  auto begin = [&context] { return context.artifacts().begin_upload(); };
  CO_TRY(auto upload, co_await run_on(pool, begin));
  CO_TRY_VOID(co_await receive(context, exchange, *upload));
  auto finish = [&]() -> Result<artifacts::Blob> {
    TRY(auto blob, upload->commit(md5));
    TRY_VOID(keep_blob(context, link, blob));
    return blob;
  };
  CO_TRY(const artifacts::Blob blob, co_await run_on(pool, finish));
  co_return created(blob.digest, context.now());
}

Task<Result<http::Response>> put_block(Context& context, http::Exchange& exchange) {
  auto& pool = *context.state.options.pool;
  const std::string id = context.query_or("blockid", "");
  CO_TRY(const std::string md5, from_base64(context.head.headers.get_or("Content-MD5", "")));
  auto begin = [&] { return context.artifacts().begin_block(context.param("blob"), to_hex(id)); };
  CO_TRY(auto upload, co_await run_on(pool, begin));
  CO_TRY_VOID(co_await receive(context, exchange, *upload));
  auto finish = [&] { return upload->commit(md5); };
  CO_TRY(const artifacts::Blob blob, co_await run_on(pool, finish));
  co_return created(blob.digest, context.now());
}

Task<Result<http::Response>> put_block_list(Context& context, http::Exchange& exchange,
                                            const SignedLink& link) {
  CO_TRY(const std::string xml, co_await exchange.read_body(kBlockListBytes));
  CO_TRY(auto ids, parse_block_list(xml));
  auto finish = [&]() -> Result<artifacts::Blob> {
    for (auto& id : ids) id = to_hex(id);
    TRY(auto blob, context.artifacts().commit_blocks({context.param("blob"), ids}));
    TRY_VOID(keep_blob(context, link, blob));
    return blob;
  };
  CO_TRY(const artifacts::Blob blob, co_await run_on(*context.state.options.pool, finish));
  co_return created(blob.digest, context.now());
}

struct OpenBlob {
  resources::Artifact artifact;
  Fd file;
};

Result<OpenBlob> open_blob(const Context& context, const SignedLink& link) {
  TRY(auto artifact, find_artifact(context.store(), link.scope, link.name));
  if (artifact.digest.empty() || artifact.blob != context.param("blob"))
    return fail(ErrorCode::not_found, "the blob holds no bytes yet", "BlobNotFound");
  TRY(const auto path, context.artifacts().path_of(artifact.digest));
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return errno_error("cannot open a blob");
  return OpenBlob{std::move(artifact), std::move(file)};
}

Result<std::string> read_piece(const Fd& file, std::int64_t offset, std::int64_t left) {
  std::string piece(std::min<std::size_t>(kPieceBytes, static_cast<std::size_t>(left)), '\0');
  const auto got = ::pread(file.get(), piece.data(), piece.size(), offset);
  if (got < 0) return errno_error("cannot read a blob");
  if (got == 0) return fail(ErrorCode::internal, "a blob is shorter than it was");
  piece.resize(static_cast<std::size_t>(got));
  return piece;
}

http::ResponseHead blob_head(const Context& context, const OpenBlob& blob, const ByteRange& range,
                             http::Headers common) {
  http::ResponseHead head{.status = range.partial ? 206U : 200U, .headers = std::move(common)};
  auto& headers = head.headers;
  headers.set("Content-Length", std::to_string(range.length));
  headers.set("Content-Type", "application/octet-stream");
  headers.set("Accept-Ranges", "bytes");
  headers.set("ETag", "\"" + blob.artifact.digest + "\"");
  headers.set("Last-Modified", http_date(blob.artifact.created_ms));
  headers.set("x-ms-blob-type", "BlockBlob");
  headers.set("x-ms-version", "2021-08-06");
  headers.set("Content-Disposition", "attachment");
  if (range.partial)
    headers.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                     std::to_string(range.first + range.length - 1) + "/" +
                                     std::to_string(blob.artifact.bytes));
  (void)context;
  return head;
}

Task<Result<void>> send_range(Context& context, http::Exchange& exchange, const OpenBlob& blob,
                              ByteRange range) {
  while (range.length > 0) {
    auto read = [&] { return read_piece(blob.file, range.first, range.length); };
    CO_TRY(const std::string piece, co_await run_on(*context.state.options.pool, read));
    CO_TRY_VOID(co_await exchange.write(piece));
    range.first += static_cast<std::int64_t>(piece.size());
    range.length -= static_cast<std::int64_t>(piece.size());
  }
  co_return co_await exchange.end();
}

}  // namespace

Task<Result<http::Response>> put_blob(Context& context, http::Exchange& exchange) {
  CO_TRY(const SignedLink link, authorise(context));
  const std::string comp = context.query_or("comp", "");
  if (comp == "block") co_return co_await put_block(context, exchange);
  if (comp == "blocklist") co_return co_await put_block_list(context, exchange, link);
  if (comp.empty()) co_return co_await put_whole(context, exchange, link);
  co_return fail(ErrorCode::invalid_argument,
                 "comp=" + comp + " is not served; block, blocklist and whole blobs are",
                 "UnsupportedQueryParameter");
}

Task<BlobResult> get_blob(Context& context, http::Exchange& exchange, http::Headers common) {
  const auto link = authorise(context);
  if (!link) co_return BlobResult{link.error()};
  auto open = [&] { return open_blob(context, *link); };
  auto blob = co_await run_on(*context.state.options.pool, open);
  if (!blob) co_return BlobResult{blob.error()};
  auto range = parse_range(context.head.headers.get_or("Range", ""), blob->artifact.bytes);
  if (!range) co_return BlobResult{range.error()};
  auto head = blob_head(context, *blob, *range, std::move(common));
  if (auto began = co_await exchange.begin(std::move(head)); !began)
    co_return BlobResult{began.error(), true};
  if (context.head.method == "HEAD") co_return BlobResult{co_await exchange.end(), true};
  co_return BlobResult{co_await send_range(context, exchange, *blob, *range), true};
}

}  // namespace slipway::api

#include "modelserver/onnx_runtime.h"

#include <dlfcn.h>
#include <fmt/core.h>
#include <onnxruntime_c_api.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

namespace slipway::modelserver {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLibrary = "libonnxruntime.so.1";

Error load_failed(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), "ModelLoadFailed");
}

std::vector<std::string> library_places() {
  std::vector<std::string> places;
  if (const char* named = std::getenv("SLIPWAY_ONNXRUNTIME"); named != nullptr) return {named};
  std::error_code ec;
  const auto program = fs::read_symlink("/proc/self/exe", ec);
  if (!ec) places.push_back(program.parent_path().parent_path() / "lib" / kLibrary);
  places.push_back(kLibrary);
  return places;
}

// Opened once and never closed: threads of the library may run until the process ends.
Result<const OrtApi*> open_library() {
  std::string tried;
  for (const auto& place : library_places()) {
    void* library = ::dlopen(place.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (library == nullptr) {
      tried += fmt::format("; {}", ::dlerror());
      continue;
    }
    const auto base = reinterpret_cast<const OrtApiBase* (*)()>(::dlsym(library, "OrtGetApiBase"));
    const OrtApi* api = base == nullptr ? nullptr : base()->GetApi(ORT_API_VERSION);
    if (api != nullptr) return api;
    tried += fmt::format("; {} has no API of version {}", place, ORT_API_VERSION);
  }
  return fail(
      ErrorCode::unavailable,
      "ONNX Runtime cannot be opened; name libonnxruntime.so.1 in SLIPWAY_ONNXRUNTIME" + tried,
      "ModelLoadFailed");
}

Result<const OrtApi*> library() {
  static const auto opened = open_library();
  return opened;
}

// Owns one object of the C API, which releases it.
template <class T>
using Handle = std::unique_ptr<T, void(ORT_API_CALL*)(T*)>;

template <class T>
Handle<T> own(T* object, void(ORT_API_CALL* release)(T*)) {
  return {object, release};
}

Result<void> check(const OrtApi& api, OrtStatus* status) {
  if (status == nullptr) return {};
  const auto owned = own(status, api.ReleaseStatus);
  return fail(ErrorCode::invalid_argument, api.GetErrorMessage(status));
}

// The calls below hand memory of the default allocator to us.
Result<std::string> take_name(const OrtApi& api, OrtAllocator* allocator, char* text) {
  std::string name(text);
  TRY_VOID(check(api, api.AllocatorFree(allocator, text)));
  return name;
}

Result<void> read_tensor_info(const OrtApi& api, const OrtTypeInfo* type, ValueInfo& info) {
  const OrtTensorTypeAndShapeInfo* tensor = nullptr;
  TRY_VOID(check(api, api.CastTypeInfoToTensorInfo(type, &tensor)));
  ONNXTensorElementDataType element{};
  TRY_VOID(check(api, api.GetTensorElementType(tensor, &element)));
  std::size_t rank = 0;
  TRY_VOID(check(api, api.GetDimensionsCount(tensor, &rank)));
  info.shape.resize(rank);
  TRY_VOID(check(api, api.GetDimensions(tensor, info.shape.data(), rank)));
  std::vector<const char*> names(rank);
  TRY_VOID(check(api, api.GetSymbolicDimensions(tensor, names.data(), rank)));
  info.names.assign(names.begin(), names.end());
  const auto named = static_cast<ElementType>(element);
  info.type = name_of(named) == "undefined" ? ElementType::undefined : named;
  if (info.type == ElementType::undefined) info.kind = ValueInfo::Kind::other;
  return {};
}

Result<void> read_type(const OrtApi& api, const OrtTypeInfo* type, ValueInfo& info) {
  ONNXType kind{};
  TRY_VOID(check(api, api.GetOnnxTypeFromTypeInfo(type, &kind)));
  info.kind = ValueInfo::Kind::other;
  if (kind == ONNX_TYPE_TENSOR) {
    info.kind = ValueInfo::Kind::tensor;
    return read_tensor_info(api, type, info);
  }
  if (kind != ONNX_TYPE_SEQUENCE) return {};
  const OrtSequenceTypeInfo* sequence = nullptr;
  TRY_VOID(check(api, api.CastTypeInfoToSequenceTypeInfo(type, &sequence)));
  OrtTypeInfo* element = nullptr;
  TRY_VOID(check(api, api.GetSequenceElementType(sequence, &element)));
  const auto owned = own(element, api.ReleaseTypeInfo);
  TRY_VOID(check(api, api.GetOnnxTypeFromTypeInfo(element, &kind)));
  if (kind == ONNX_TYPE_MAP) info.kind = ValueInfo::Kind::sequence_of_maps;
  return {};
}

// One side of a signature; the calls for inputs and outputs differ by name only.
struct Side {
  decltype(OrtApi::SessionGetInputCount) count;
  decltype(OrtApi::SessionGetInputName) name;
  decltype(OrtApi::SessionGetInputTypeInfo) type;
};

Result<std::vector<ValueInfo>> read_side(const OrtApi& api, const OrtSession* session, Side side) {
  OrtAllocator* allocator = nullptr;
  TRY_VOID(check(api, api.GetAllocatorWithDefaultOptions(&allocator)));
  std::size_t count = 0;
  TRY_VOID(check(api, side.count(session, &count)));
  std::vector<ValueInfo> infos(count);
  for (std::size_t i = 0; i < count; ++i) {
    char* text = nullptr;
    TRY_VOID(check(api, side.name(session, i, allocator, &text)));
    TRY(infos[i].name, take_name(api, allocator, text));
    OrtTypeInfo* type = nullptr;
    TRY_VOID(check(api, side.type(session, i, &type)));
    const auto owned = own(type, api.ReleaseTypeInfo);
    TRY_VOID(read_type(api, type, infos[i]));
  }
  return infos;
}

Result<Handle<OrtSessionOptions>> make_options(const OrtApi& api, int threads) {
  OrtSessionOptions* raw = nullptr;
  TRY_VOID(check(api, api.CreateSessionOptions(&raw)));
  auto options = own(raw, api.ReleaseSessionOptions);
  TRY_VOID(check(api, api.SetIntraOpNumThreads(raw, threads)));
  TRY_VOID(check(api, api.SetInterOpNumThreads(raw, 1)));
  // A thread that spins while it waits takes time from the neighbours on this machine.
  TRY_VOID(check(api, api.AddSessionConfigEntry(raw, "session.intra_op.allow_spinning", "0")));
  // The arena keeps the most that was ever needed; malloc gives it back.
  TRY_VOID(check(api, api.DisableCpuMemArena(raw)));
  return options;
}

template <class T>
Result<T> scalar_of(const OrtApi& api, const OrtValue* value, std::size_t index) {
  void* data = nullptr;
  TRY_VOID(check(api, api.GetTensorMutableData(const_cast<OrtValue*>(value), &data)));
  return static_cast<const T*>(data)[index];
}

Result<std::vector<std::string>> strings_of(const OrtApi& api, const OrtValue* value,
                                            std::size_t count) {
  std::size_t total = 0;
  TRY_VOID(check(api, api.GetStringTensorDataLength(value, &total)));
  std::string all(total, '\0');
  std::vector<std::size_t> offsets(count + 1, total);
  TRY_VOID(check(api, api.GetStringTensorContent(value, all.data(), total, offsets.data(), count)));
  offsets[count] = total;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(all.substr(offsets[i], offsets[i + 1] - offsets[i]));
  return out;
}

Result<Tensor> tensor_of(const OrtApi& api, const OrtValue* value) {
  OrtTensorTypeAndShapeInfo* raw = nullptr;
  TRY_VOID(check(api, api.GetTensorTypeAndShape(value, &raw)));
  const auto info = own(raw, api.ReleaseTensorTypeAndShapeInfo);
  Tensor tensor;
  ONNXTensorElementDataType element{};
  TRY_VOID(check(api, api.GetTensorElementType(raw, &element)));
  tensor.type = static_cast<ElementType>(element);
  std::size_t rank = 0;
  TRY_VOID(check(api, api.GetDimensionsCount(raw, &rank)));
  tensor.dims.resize(rank);
  TRY_VOID(check(api, api.GetDimensions(raw, tensor.dims.data(), rank)));
  const auto count = static_cast<std::size_t>(element_count(tensor.dims));
  if (tensor.type == ElementType::string) {
    TRY(tensor.strings, strings_of(api, value, count));
    return tensor;
  }
  void* data = nullptr;
  TRY_VOID(check(api, api.GetTensorMutableData(const_cast<OrtValue*>(value), &data)));
  tensor.bytes.assign(static_cast<const char*>(data), count * size_of(tensor.type));
  return tensor;
}

Result<Handle<OrtValue>> part_of(const OrtApi& api, const OrtValue* value, int index) {
  OrtAllocator* allocator = nullptr;
  TRY_VOID(check(api, api.GetAllocatorWithDefaultOptions(&allocator)));
  OrtValue* part = nullptr;
  TRY_VOID(check(api, api.GetValue(value, index, allocator, &part)));
  return own(part, api.ReleaseValue);
}

Result<std::vector<MapEntry>> map_of(const OrtApi& api, const OrtValue* value) {
  TRY(const auto keys_value, part_of(api, value, 0));
  TRY(const auto values_value, part_of(api, value, 1));
  TRY(const Tensor keys, tensor_of(api, keys_value.get()));
  TRY(const Tensor values, tensor_of(api, values_value.get()));
  std::vector<MapEntry> entries(static_cast<std::size_t>(element_count(values.dims)));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (keys.type == ElementType::string) {
      entries[i].key = keys.strings[i];
    } else {
      TRY(entries[i].key, scalar_of<std::int64_t>(api, keys_value.get(), i));
    }
    if (values.type == ElementType::float32) {
      TRY(entries[i].value, scalar_of<float>(api, values_value.get(), i));
    } else {
      TRY(entries[i].value, scalar_of<double>(api, values_value.get(), i));
    }
  }
  return entries;
}

Result<MapSequence> maps_of(const OrtApi& api, const OrtValue* value) {
  std::size_t count = 0;
  TRY_VOID(check(api, api.GetValueCount(value, &count)));
  MapSequence maps;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const auto part, part_of(api, value, static_cast<int>(i)));
    TRY(auto entries, map_of(api, part.get()));
    maps.push_back(std::move(entries));
  }
  return maps;
}

}  // namespace

struct OnnxSession::Impl {
  const OrtApi& api;
  Handle<OrtEnv> environment;
  Handle<OrtSession> session;
  Handle<OrtMemoryInfo> memory;
  Signature signature;

  Result<Handle<OrtValue>> value_of(const Tensor& tensor) const;
  Result<NamedOutput> output_of(const ValueInfo& info, const OrtValue* value) const;
};

OnnxSession::OnnxSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OnnxSession::~OnnxSession() = default;
const Signature& OnnxSession::signature() const { return impl_->signature; }

Result<std::unique_ptr<OnnxSession>> OnnxSession::load(const fs::path& file, int threads) {
  TRY(const OrtApi* const api, library());
  OrtEnv* environment = nullptr;
  TRY_VOID(check(*api, api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "slipway", &environment)));
  auto owned_environment = own(environment, api->ReleaseEnv);
  TRY(const auto options, make_options(*api, threads));
  OrtSession* session = nullptr;
  if (const auto made =
          check(*api, api->CreateSession(environment, file.c_str(), options.get(), &session));
      !made)
    return load_failed(fmt::format("{} is no ONNX model that can be loaded: {}",
                                   file.filename().string(), made.error().message));
  auto owned_session = own(session, api->ReleaseSession);
  OrtMemoryInfo* memory = nullptr;
  TRY_VOID(check(*api, api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeCPU, &memory)));
  auto impl = std::make_unique<Impl>(Impl{*api,
                                          std::move(owned_environment),
                                          std::move(owned_session),
                                          own(memory, api->ReleaseMemoryInfo),
                                          {}});
  TRY(impl->signature.inputs, read_side(*api, session,
                                        {api->SessionGetInputCount, api->SessionGetInputName,
                                         api->SessionGetInputTypeInfo}));
  TRY(impl->signature.outputs, read_side(*api, session,
                                         {api->SessionGetOutputCount, api->SessionGetOutputName,
                                          api->SessionGetOutputTypeInfo}));
  return std::unique_ptr<OnnxSession>(new OnnxSession(std::move(impl)));
}

// Code segments only: they are never written, so nothing of theirs can be lost.
void OnnxSession::release_code_pages() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" r-xp ") == std::string::npos || line.find(kLibrary) == std::string::npos)
      continue;
    char* rest = nullptr;
    const auto begin = std::strtoull(line.c_str(), &rest, 16);
    const auto end = std::strtoull(rest + 1, nullptr, 16);
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

// Numbers are not copied: the value refers to the tensor's bytes.
Result<Handle<OrtValue>> OnnxSession::Impl::value_of(const Tensor& tensor) const {
  const auto type = static_cast<ONNXTensorElementDataType>(tensor.type);
  OrtValue* value = nullptr;
  if (tensor.type != ElementType::string) {
    TRY_VOID(check(api, api.CreateTensorWithDataAsOrtValue(memory.get(),
                                                           const_cast<char*>(tensor.bytes.data()),
                                                           tensor.bytes.size(), tensor.dims.data(),
                                                           tensor.dims.size(), type, &value)));
    return own(value, api.ReleaseValue);
  }
  OrtAllocator* allocator = nullptr;
  TRY_VOID(check(api, api.GetAllocatorWithDefaultOptions(&allocator)));
  TRY_VOID(check(api, api.CreateTensorAsOrtValue(allocator, tensor.dims.data(), tensor.dims.size(),
                                                 type, &value)));
  auto owned = own(value, api.ReleaseValue);
  std::vector<const char*> texts;
  for (const auto& text : tensor.strings) texts.push_back(text.c_str());
  TRY_VOID(check(api, api.FillStringTensor(value, texts.data(), texts.size())));
  return owned;
}

Result<NamedOutput> OnnxSession::Impl::output_of(const ValueInfo& info,
                                                 const OrtValue* value) const {
  if (info.kind == ValueInfo::Kind::sequence_of_maps) {
    TRY(auto maps, maps_of(api, value));
    return NamedOutput{info.name, std::move(maps)};
  }
  TRY(auto tensor, tensor_of(api, value));
  return NamedOutput{info.name, std::move(tensor)};
}

Result<std::vector<NamedOutput>> OnnxSession::run(const std::vector<NamedTensor>& inputs,
                                                  const std::vector<std::size_t>& outputs) const {
  const auto& api = impl_->api;
  std::vector<const char*> input_names, output_names;
  std::vector<Handle<OrtValue>> values;
  std::vector<const OrtValue*> given;
  for (const auto& input : inputs) {
    TRY(auto value, impl_->value_of(input.tensor));
    input_names.push_back(input.name.c_str());
    given.push_back(value.get());
    values.push_back(std::move(value));
  }
  for (const auto index : outputs)
    output_names.push_back(impl_->signature.outputs[index].name.c_str());
  std::vector<OrtValue*> produced(outputs.size(), nullptr);
  const auto ran =
      check(api, api.Run(impl_->session.get(), nullptr, input_names.data(), given.data(),
                         given.size(), output_names.data(), output_names.size(), produced.data()));
  std::vector<Handle<OrtValue>> owned;
  for (auto* value : produced) owned.push_back(own(value, api.ReleaseValue));
  if (!ran) return ran.error();
  std::vector<NamedOutput> out;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    TRY(auto output, impl_->output_of(impl_->signature.outputs[outputs[i]], produced[i]));
    out.push_back(std::move(output));
  }
  return out;
}

}  // namespace slipway::modelserver

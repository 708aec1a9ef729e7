// The table of VM sizes: vCPUs, memory in GiB and GPUs as published for each size.
#include <algorithm>
#include <numeric>

#include "resources/checks.h"
#include "resources/rules.h"

namespace slipway::resources {

namespace {

// The fewest insertions, deletions and replacements between two names, ignoring case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = equal_ignoring_case(a.substr(i - 1, 1), b.substr(j - 1, 1));
      const std::size_t replaced = diagonal + (same ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::string nearest_names(std::string_view name) {
  constexpr std::size_t kShownNames = 3;
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  for (const auto& size : vm_sizes())
    ranked.emplace_back(edit_distance(name, size.name), size.name);
  std::partial_sort(ranked.begin(), ranked.begin() + kShownNames, ranked.end());
  std::string text;
  for (std::size_t i = 0; i < kShownNames; ++i)
    text += (i == 0 ? "" : ", ") + std::string(ranked[i].second);
  return text;
}

}  // namespace

const std::vector<VmSize>& vm_sizes() {
  static const std::vector<VmSize> kSizes = {
      // general purpose, previous generations
      {"Standard_A1_v2", 1, 2, 0},
      {"Standard_A2_v2", 2, 4, 0},
      {"Standard_A4_v2", 4, 8, 0},
      {"Standard_A8_v2", 8, 16, 0},
      {"Standard_A2m_v2", 2, 16, 0},
      {"Standard_A4m_v2", 4, 32, 0},
      {"Standard_A8m_v2", 8, 64, 0},
      {"Standard_D1_v2", 1, 3.5, 0},
      {"Standard_D2_v2", 2, 7, 0},
      {"Standard_D3_v2", 4, 14, 0},
      {"Standard_D4_v2", 8, 28, 0},
      {"Standard_D5_v2", 16, 56, 0},
      {"Standard_D11_v2", 2, 14, 0},
      {"Standard_D12_v2", 4, 28, 0},
      {"Standard_D13_v2", 8, 56, 0},
      {"Standard_D14_v2", 16, 112, 0},
      {"Standard_D15_v2", 20, 140, 0},
      {"Standard_DS1_v2", 1, 3.5, 0},
      {"Standard_DS2_v2", 2, 7, 0},
      {"Standard_DS3_v2", 4, 14, 0},
      {"Standard_DS4_v2", 8, 28, 0},
      {"Standard_DS5_v2", 16, 56, 0},
      {"Standard_DS11_v2", 2, 14, 0},
      {"Standard_DS12_v2", 4, 28, 0},
      {"Standard_DS13_v2", 8, 56, 0},
      {"Standard_DS14_v2", 16, 112, 0},
      {"Standard_DS15_v2", 20, 140, 0},
      // burstable
      {"Standard_B1s", 1, 1, 0},
      {"Standard_B1ms", 1, 2, 0},
      {"Standard_B2s", 2, 4, 0},
      {"Standard_B2ms", 2, 8, 0},
      {"Standard_B4ms", 4, 16, 0},
      {"Standard_B8ms", 8, 32, 0},
      {"Standard_B12ms", 12, 48, 0},
      {"Standard_B16ms", 16, 64, 0},
      {"Standard_B20ms", 20, 80, 0},
      // general purpose, 4 GiB per vCPU
      {"Standard_D2_v3", 2, 8, 0},
      {"Standard_D4_v3", 4, 16, 0},
      {"Standard_D8_v3", 8, 32, 0},
      {"Standard_D16_v3", 16, 64, 0},
      {"Standard_D32_v3", 32, 128, 0},
      {"Standard_D48_v3", 48, 192, 0},
      {"Standard_D64_v3", 64, 256, 0},
      {"Standard_D2s_v3", 2, 8, 0},
      {"Standard_D4s_v3", 4, 16, 0},
      {"Standard_D8s_v3", 8, 32, 0},
      {"Standard_D16s_v3", 16, 64, 0},
      {"Standard_D32s_v3", 32, 128, 0},
      {"Standard_D48s_v3", 48, 192, 0},
      {"Standard_D64s_v3", 64, 256, 0},
      {"Standard_D2_v4", 2, 8, 0},
      {"Standard_D4_v4", 4, 16, 0},
      {"Standard_D8_v4", 8, 32, 0},
      {"Standard_D16_v4", 16, 64, 0},
      {"Standard_D32_v4", 32, 128, 0},
      {"Standard_D48_v4", 48, 192, 0},
      {"Standard_D64_v4", 64, 256, 0},
      {"Standard_D2s_v4", 2, 8, 0},
      {"Standard_D4s_v4", 4, 16, 0},
      {"Standard_D8s_v4", 8, 32, 0},
      {"Standard_D16s_v4", 16, 64, 0},
      {"Standard_D32s_v4", 32, 128, 0},
      {"Standard_D48s_v4", 48, 192, 0},
      {"Standard_D64s_v4", 64, 256, 0},
      {"Standard_D2_v5", 2, 8, 0},
      {"Standard_D4_v5", 4, 16, 0},
      {"Standard_D8_v5", 8, 32, 0},
      {"Standard_D16_v5", 16, 64, 0},
      {"Standard_D32_v5", 32, 128, 0},
      {"Standard_D48_v5", 48, 192, 0},
      {"Standard_D64_v5", 64, 256, 0},
      {"Standard_D96_v5", 96, 384, 0},
      {"Standard_D2s_v5", 2, 8, 0},
      {"Standard_D4s_v5", 4, 16, 0},
      {"Standard_D8s_v5", 8, 32, 0},
      {"Standard_D16s_v5", 16, 64, 0},
      {"Standard_D32s_v5", 32, 128, 0},
      {"Standard_D48s_v5", 48, 192, 0},
      {"Standard_D64s_v5", 64, 256, 0},
      {"Standard_D96s_v5", 96, 384, 0},
      {"Standard_D2as_v4", 2, 8, 0},
      {"Standard_D4as_v4", 4, 16, 0},
      {"Standard_D8as_v4", 8, 32, 0},
      {"Standard_D16as_v4", 16, 64, 0},
      {"Standard_D32as_v4", 32, 128, 0},
      {"Standard_D48as_v4", 48, 192, 0},
      {"Standard_D64as_v4", 64, 256, 0},
      {"Standard_D96as_v4", 96, 384, 0},
      {"Standard_D2as_v5", 2, 8, 0},
      {"Standard_D4as_v5", 4, 16, 0},
      {"Standard_D8as_v5", 8, 32, 0},
      {"Standard_D16as_v5", 16, 64, 0},
      {"Standard_D32as_v5", 32, 128, 0},
      {"Standard_D48as_v5", 48, 192, 0},
      {"Standard_D64as_v5", 64, 256, 0},
      {"Standard_D96as_v5", 96, 384, 0},
      {"Standard_D2ads_v5", 2, 8, 0},
      {"Standard_D4ads_v5", 4, 16, 0},
      {"Standard_D8ads_v5", 8, 32, 0},
      {"Standard_D16ads_v5", 16, 64, 0},
      {"Standard_D32ads_v5", 32, 128, 0},
      {"Standard_D48ads_v5", 48, 192, 0},
      {"Standard_D64ads_v5", 64, 256, 0},
      {"Standard_D96ads_v5", 96, 384, 0},
      {"Standard_D2ds_v4", 2, 8, 0},
      {"Standard_D4ds_v4", 4, 16, 0},
      {"Standard_D8ds_v4", 8, 32, 0},
      {"Standard_D16ds_v4", 16, 64, 0},
      {"Standard_D32ds_v4", 32, 128, 0},
      {"Standard_D48ds_v4", 48, 192, 0},
      {"Standard_D64ds_v4", 64, 256, 0},
      {"Standard_D2ds_v5", 2, 8, 0},
      {"Standard_D4ds_v5", 4, 16, 0},
      {"Standard_D8ds_v5", 8, 32, 0},
      {"Standard_D16ds_v5", 16, 64, 0},
      {"Standard_D32ds_v5", 32, 128, 0},
      {"Standard_D48ds_v5", 48, 192, 0},
      {"Standard_D64ds_v5", 64, 256, 0},
      {"Standard_D96ds_v5", 96, 384, 0},
      // memory optimised, 8 GiB per vCPU; the largest have less
      {"Standard_E2_v3", 2, 16, 0},
      {"Standard_E4_v3", 4, 32, 0},
      {"Standard_E8_v3", 8, 64, 0},
      {"Standard_E16_v3", 16, 128, 0},
      {"Standard_E20_v3", 20, 160, 0},
      {"Standard_E32_v3", 32, 256, 0},
      {"Standard_E48_v3", 48, 384, 0},
      {"Standard_E64_v3", 64, 432, 0},
      {"Standard_E2s_v3", 2, 16, 0},
      {"Standard_E4s_v3", 4, 32, 0},
      {"Standard_E8s_v3", 8, 64, 0},
      {"Standard_E16s_v3", 16, 128, 0},
      {"Standard_E20s_v3", 20, 160, 0},
      {"Standard_E32s_v3", 32, 256, 0},
      {"Standard_E48s_v3", 48, 384, 0},
      {"Standard_E64s_v3", 64, 432, 0},
      {"Standard_E2_v4", 2, 16, 0},
      {"Standard_E4_v4", 4, 32, 0},
      {"Standard_E8_v4", 8, 64, 0},
      {"Standard_E16_v4", 16, 128, 0},
      {"Standard_E20_v4", 20, 160, 0},
      {"Standard_E32_v4", 32, 256, 0},
      {"Standard_E48_v4", 48, 384, 0},
      {"Standard_E64_v4", 64, 504, 0},
      {"Standard_E2s_v4", 2, 16, 0},
      {"Standard_E4s_v4", 4, 32, 0},
      {"Standard_E8s_v4", 8, 64, 0},
      {"Standard_E16s_v4", 16, 128, 0},
      {"Standard_E20s_v4", 20, 160, 0},
      {"Standard_E32s_v4", 32, 256, 0},
      {"Standard_E48s_v4", 48, 384, 0},
      {"Standard_E64s_v4", 64, 504, 0},
      {"Standard_E2_v5", 2, 16, 0},
      {"Standard_E4_v5", 4, 32, 0},
      {"Standard_E8_v5", 8, 64, 0},
      {"Standard_E16_v5", 16, 128, 0},
      {"Standard_E20_v5", 20, 160, 0},
      {"Standard_E32_v5", 32, 256, 0},
      {"Standard_E48_v5", 48, 384, 0},
      {"Standard_E64_v5", 64, 512, 0},
      {"Standard_E96_v5", 96, 672, 0},
      {"Standard_E2s_v5", 2, 16, 0},
      {"Standard_E4s_v5", 4, 32, 0},
      {"Standard_E8s_v5", 8, 64, 0},
      {"Standard_E16s_v5", 16, 128, 0},
      {"Standard_E20s_v5", 20, 160, 0},
      {"Standard_E32s_v5", 32, 256, 0},
      {"Standard_E48s_v5", 48, 384, 0},
      {"Standard_E64s_v5", 64, 512, 0},
      {"Standard_E96s_v5", 96, 672, 0},
      {"Standard_E2as_v4", 2, 16, 0},
      {"Standard_E4as_v4", 4, 32, 0},
      {"Standard_E8as_v4", 8, 64, 0},
      {"Standard_E16as_v4", 16, 128, 0},
      {"Standard_E20as_v4", 20, 160, 0},
      {"Standard_E32as_v4", 32, 256, 0},
      {"Standard_E48as_v4", 48, 384, 0},
      {"Standard_E64as_v4", 64, 512, 0},
      {"Standard_E96as_v4", 96, 672, 0},
      {"Standard_E2as_v5", 2, 16, 0},
      {"Standard_E4as_v5", 4, 32, 0},
      {"Standard_E8as_v5", 8, 64, 0},
      {"Standard_E16as_v5", 16, 128, 0},
      {"Standard_E20as_v5", 20, 160, 0},
      {"Standard_E32as_v5", 32, 256, 0},
      {"Standard_E48as_v5", 48, 384, 0},
      {"Standard_E64as_v5", 64, 512, 0},
      {"Standard_E96as_v5", 96, 672, 0},
      // compute optimised
      {"Standard_F2s_v2", 2, 4, 0},
      {"Standard_F4s_v2", 4, 8, 0},
      {"Standard_F8s_v2", 8, 16, 0},
      {"Standard_F16s_v2", 16, 32, 0},
      {"Standard_F32s_v2", 32, 64, 0},
      {"Standard_F48s_v2", 48, 96, 0},
      {"Standard_F64s_v2", 64, 128, 0},
      {"Standard_F72s_v2", 72, 144, 0},
      {"Standard_F1", 1, 2, 0},
      {"Standard_F2", 2, 4, 0},
      {"Standard_F4", 4, 8, 0},
      {"Standard_F8", 8, 16, 0},
      {"Standard_F16", 16, 32, 0},
      {"Standard_F1s", 1, 2, 0},
      {"Standard_F2s", 2, 4, 0},
      {"Standard_F4s", 4, 8, 0},
      {"Standard_F8s", 8, 16, 0},
      {"Standard_F16s", 16, 32, 0},
      // large memory
      {"Standard_M8ms", 8, 218.75, 0},
      {"Standard_M16ms", 16, 437.5, 0},
      {"Standard_M32ms", 32, 875, 0},
      {"Standard_M32ts", 32, 192, 0},
      {"Standard_M32ls", 32, 256, 0},
      {"Standard_M64", 64, 1024, 0},
      {"Standard_M64s", 64, 1024, 0},
      {"Standard_M64ms", 64, 1792, 0},
      {"Standard_M128s", 128, 2048, 0},
      {"Standard_M128ms", 128, 3892, 0},
      // GPU
      {"Standard_NC6", 6, 56, 1},
      {"Standard_NC12", 12, 112, 2},
      {"Standard_NC24", 24, 224, 4},
      {"Standard_NC24r", 24, 224, 4},
      {"Standard_NC6s_v2", 6, 112, 1},
      {"Standard_NC12s_v2", 12, 224, 2},
      {"Standard_NC24s_v2", 24, 448, 4},
      {"Standard_NC24rs_v2", 24, 448, 4},
      {"Standard_NC6s_v3", 6, 112, 1},
      {"Standard_NC12s_v3", 12, 224, 2},
      {"Standard_NC24s_v3", 24, 448, 4},
      {"Standard_NC24rs_v3", 24, 448, 4},
      {"Standard_NC4as_T4_v3", 4, 28, 1},
      {"Standard_NC8as_T4_v3", 8, 56, 1},
      {"Standard_NC16as_T4_v3", 16, 110, 1},
      {"Standard_NC64as_T4_v3", 64, 440, 4},
      {"Standard_NC24ads_A100_v4", 24, 220, 1},
      {"Standard_NC48ads_A100_v4", 48, 440, 2},
      {"Standard_NC96ads_A100_v4", 96, 880, 4},
      {"Standard_NC40ads_H100_v5", 40, 320, 1},
      {"Standard_NC80adis_H100_v5", 80, 640, 2},
      {"Standard_ND6s", 6, 112, 1},
      {"Standard_ND12s", 12, 224, 2},
      {"Standard_ND24s", 24, 448, 4},
      {"Standard_ND24rs", 24, 448, 4},
      {"Standard_ND40rs_v2", 40, 672, 8},
      {"Standard_ND96asr_v4", 96, 900, 8},
      {"Standard_ND96amsr_A100_v4", 96, 1900, 8},
      {"Standard_ND96isr_H100_v5", 96, 1900, 8},
      {"Standard_NV6", 6, 56, 1},
      {"Standard_NV12", 12, 112, 2},
      {"Standard_NV24", 24, 224, 4},
      {"Standard_NV12s_v3", 12, 112, 1},
      {"Standard_NV24s_v3", 24, 224, 2},
      {"Standard_NV48s_v3", 48, 448, 4},
      // FPGA
      {"Standard_PB6s", 6, 112, 0},
  };
  return kSizes;
}

Result<VmSize> find_vm_size(std::string_view name) {
  for (const auto& size : vm_sizes())
    if (equal_ignoring_case(size.name, name)) return size;
  return refuse("properties.properties.agentVmSize", "The VM size " + shown(name) +
                                                         " is unknown; did you mean one of " +
                                                         nearest_names(name.substr(0, 64)) + "?");
}

}  // namespace slipway::resources

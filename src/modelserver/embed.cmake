# Writes the .cc that carries the Python files of runtime/ inside the binary.
function(slipway_embed_runtime output)
  set(root ${CMAKE_SOURCE_DIR}/runtime)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${root} ${root}/*.py)
  list(FILTER files EXCLUDE REGEX "^tests/")
  set(assembly "")
  set(externs "")
  set(table "")
  set(paths "")
  set(index 0)
  foreach(file ${files})
    set(name slipway_runtime_file_${index})
    string(APPEND assembly
      "    \"${name}: .incbin \\\"${root}/${file}\\\"\\n${name}_end:\\n\"\n")
    string(APPEND externs "extern const char ${name}[], ${name}_end[];\n")
    string(APPEND table "      EmbeddedFile{\"${file}\", {${name}, ${name}_end}},\n")
    list(APPEND paths ${root}/${file})
    math(EXPR index "${index} + 1")
  endforeach()
  file(CONFIGURE OUTPUT ${output} CONTENT [[// Made by embed.cmake.
#include "modelserver/embedded.h"

#include <array>

__asm__(
    ".pushsection .rodata\n"
@assembly@    ".popsection\n");
extern "C" {
@externs@}

namespace slipway::modelserver {

std::span<const EmbeddedFile> embedded_files() {
  static const std::array files{
@table@  };
  return files;
}

}  // namespace slipway::modelserver
]] @ONLY)
  set_source_files_properties(${output} PROPERTIES OBJECT_DEPENDS "${paths}")
endfunction()

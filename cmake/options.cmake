# Flags shared by every target.
add_library(slipway_options INTERFACE)
target_compile_features(slipway_options INTERFACE cxx_std_20)
target_compile_options(slipway_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
  -Wno-missing-designated-field-initializers -Werror -fno-omit-frame-pointer
  -fstack-protector-strong)
target_compile_definitions(slipway_options INTERFACE
  SLIPWAY_VERSION="${PROJECT_VERSION}" BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_include_directories(slipway_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
# Boost's own warnings are not ours to mend.
target_include_directories(slipway_options SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
if(SLIPWAY_SANITIZE)
  target_compile_options(slipway_options INTERFACE -fsanitize=${SLIPWAY_SANITIZE} -fno-sanitize-recover=all -g1)
  target_link_options(slipway_options INTERFACE -fsanitize=${SLIPWAY_SANITIZE})
endif()
if(SLIPWAY_FUZZ)
  target_compile_options(slipway_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_link_options(slipway_options INTERFACE -Wl,-z,relro,-z,now -fuse-ld=mold)

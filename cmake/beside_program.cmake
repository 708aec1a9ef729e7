# What the program looks for beside itself: ../lib/libonnxruntime.so.1 and uv.
set(deps ${CMAKE_SOURCE_DIR}/build/deps)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lib ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
file(CREATE_LINK ${deps}/lib/libonnxruntime.so.1 ${CMAKE_BINARY_DIR}/lib/libonnxruntime.so.1 SYMBOLIC)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/build/venv/bin/uv ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/uv SYMBOLIC)

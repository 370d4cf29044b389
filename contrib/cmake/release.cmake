# What users get: one static, hardened executable.  cmake -C contrib/cmake/release.cmake -B build
set(MB_PROFILE release CACHE STRING "")
set(CMAKE_BUILD_TYPE Release CACHE STRING "")

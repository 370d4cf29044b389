# The developer's profile: everything that finds mistakes.  cmake -C contrib/cmake/dev.cmake -B build
set(MB_PROFILE dev CACHE STRING "")
set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON CACHE BOOL "")

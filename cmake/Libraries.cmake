# The libraries celllab is built on, each as one interface target.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# clab_library(TARGET NAME...): every NAME is needed.
function(clab_library target)
  pkg_check_modules(${target}_PC REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE PkgConfig::${target}_PC)
endfunction()

clab_library(clab_hdf5 hdf5)
clab_library(clab_deps libdeflate zlib jansson)
# Distributions name Lua's file differently.
pkg_search_module(LUA_PC REQUIRED lua5.4 lua-5.4 lua54 lua>=5.4)
clab_library(clab_liblua ${LUA_PC_MODULE_NAME})
clab_library(clab_curses ncursesw)
clab_library(clab_readline readline)

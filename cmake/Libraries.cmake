# The libraries celllab is built on, each as one interface target.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(clab_library target)
  pkg_check_modules(${target}_PC REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE PkgConfig::${target}_PC)
endfunction()

clab_library(clab_hdf5 hdf5)
clab_library(clab_deps libdeflate jansson)
clab_library(clab_liblua lua5.4)
clab_library(clab_curses ncursesw)
clab_library(clab_readline readline)

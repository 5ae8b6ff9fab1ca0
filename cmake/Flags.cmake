# Warnings and sanitizers, as one interface target.
add_library(clab_flags INTERFACE)
target_compile_definitions(clab_flags INTERFACE _GNU_SOURCE CLAB_VERSION="${PROJECT_VERSION}")
target_compile_options(clab_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
  -Werror=vla -fno-math-errno -fno-trapping-math)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU") # to clang the macros NAN and INFINITY are floats that were promoted
  target_compile_options(clab_flags INTERFACE -Wdouble-promotion)
endif()
if(CLAB_WERROR)
  target_compile_options(clab_flags INTERFACE -Werror)
endif()
if(CLAB_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(CLAB_TSAN)
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()

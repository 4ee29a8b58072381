# The kernels, compiled once for each instruction set and element type.
# cnnfast_add_variants(target) makes an interface library of all objects and writes variant_list.hpp, the
# macro lists for csrc/kernels/dispatch.cpp, slowest variant first. Called in csrc/.

# Compiles sources with the definitions, flags and headers of a kernel library.
function(cnnfast_compile_as target kernels)
  foreach(property COMPILE_DEFINITIONS COMPILE_OPTIONS)
    get_target_property(value ${kernels} ${property})
    set_target_properties(${target} PROPERTIES ${property} "${value}")
  endforeach()
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/csrc")
  target_include_directories(${target} SYSTEM PRIVATE "${CNNFAST_EIGEN_HEADERS}")
  target_link_libraries(${target} PRIVATE cnnfast_warnings)
endfunction()

function(cnnfast_add_variants target)
  # Names of the variants and their flags. Explicit features rather than an architecture level: older
  # compilers support them all.
  set(processor "${CMAKE_SYSTEM_PROCESSOR}")
  if(APPLE AND CMAKE_OSX_ARCHITECTURES)
    set(processor "${CMAKE_OSX_ARCHITECTURES}")  # may differ from the build machine's
    if(processor MATCHES ";")
      message(FATAL_ERROR "cnnfast: kernels are compiled for one architecture at a time, not for ${processor}; "
                          "build twice and merge the wheels (delocate-merge)")
    endif()
  endif()
  if(processor MATCHES "^(x86_64|AMD64|amd64)$")
    set(variants baseline avx2 avx512)
    if(MSVC AND CMAKE_CXX_COMPILER_ID STREQUAL "MSVC")
      set(avx2_flags /arch:AVX2 /D__FMA__)  # /arch:AVX2 implies FMA, but does not define __FMA__
      set(avx512_flags /arch:AVX512 /D__FMA__)
    else()
      set(baseline_flags -msse4.2 -mpopcnt)
      set(avx2_flags -mavx2 -mfma -mbmi -mbmi2)
      set(avx512_flags -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mbmi -mbmi2)
    endif()
    if(MINGW AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # GCC bug 54412: on Windows it does not align the stack for wider registers, and programs crash.
      message(WARNING "GCC for Windows cannot build the AVX variants: use clang or Visual Studio for speed.")
      set(variants baseline)
    endif()
  elseif(processor MATCHES "^(aarch64|arm64|ARM64)$")
    set(variants neon)
  else()
    set(variants baseline)
  endif()

  # For development: fewer variants compile faster.
  set(CNNFAST_ISAS "" CACHE STRING "Kernel variants to build, of: ${variants}; empty: all")
  foreach(wanted ${CNNFAST_ISAS})
    if(NOT wanted IN_LIST variants)
      message(FATAL_ERROR "CNNFAST_ISAS: \"${wanted}\" is no variant of this processor; there are: ${variants}")
    endif()
  endforeach()
  if(CNNFAST_ISAS)
    set(variants ${CNNFAST_ISAS})
  endif()

  # float64 is for gradient checks: the first two variants are enough (on x86-64, AVX2 is used in place of AVX-512).
  set(float_variants ${variants})
  list(SUBLIST variants 0 2 double_variants)

  file(GLOB families CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/kernels/instantiate/*.cpp")
  # The small ones are compiled together: separately, parsing Eigen would take longer than the rest.
  set(small normalization pointwise pooling structure vectors)
  list(TRANSFORM small PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/kernels/instantiate/")
  list(TRANSFORM small APPEND ".cpp")
  set_source_files_properties(${small} PROPERTIES UNITY_GROUP small)
  # So are the loops that several families call: their machine code stays the same but for calls
  # between them.
  foreach(family correlate winograd)
    set_source_files_properties("${CMAKE_CURRENT_SOURCE_DIR}/kernels/instantiate/${family}.cpp" PROPERTIES UNITY_GROUP shared)
  endforeach()
  # The others are compiled together for float64 only (they are listed first): GCC inlines differently in a larger file, and
  # float32 must be fast.
  list(REMOVE_ITEM families ${small})
  list(LENGTH families large_count)
  add_library(${target} INTERFACE)
  set_target_properties(${target} PROPERTIES CNNFAST_VARIANTS "${float_variants}")
  set(lists "")
  set(objects "")
  foreach(element float double)
    string(TOUPPER ${element} ELEMENT)
    string(APPEND lists "#define CNNFAST_${ELEMENT}_VARIANTS(X)")
    foreach(variant ${${element}_variants})
      string(APPEND lists " X(${variant})")
      set(object ${target}_${variant}_${element})
      add_library(${object} OBJECT ${families} ${small})
      target_include_directories(${object} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
      target_include_directories(${object} SYSTEM PRIVATE "${CNNFAST_EIGEN_HEADERS}")
      target_compile_definitions(${object} PRIVATE CNNFAST_ISA=${variant} CNNFAST_ELEMENT=${element})
      target_compile_options(${object} PRIVATE ${${variant}_flags})
      if(element STREQUAL "float")
        cnnfast_optimize(${object} -O3)
        set_target_properties(${object} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
      else()
        cnnfast_optimize(${object} -O2)
        set_target_properties(${object} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${large_count})
      endif()
      if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND variant STREQUAL "avx512")
        # GCC bug 105593: its AVX-512 headers read an undefined vector intentionally.
        target_compile_options(${object} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)
      endif()
      target_link_libraries(${object} PRIVATE cnnfast_warnings)
      target_link_libraries(${target} INTERFACE $<TARGET_OBJECTS:${object}>)
      list(APPEND objects $<TARGET_OBJECTS:${object}>)
      list(APPEND checked "${variant}=$<JOIN:$<TARGET_OBJECTS:${object}>,$<SEMICOLON>${variant}=>")
    endforeach()
    string(APPEND lists "\n")
  endforeach()
  file(CONFIGURE OUTPUT "generated/variant_list.hpp" CONTENT
       "// Generated by CMake: the kernel variants of this build.\n${lists}")

  # Two variants must not define the same symbol: the linker would use one definition for both.
  if(CMAKE_NM AND Python_Interpreter_FOUND)
    set(stamp "${CMAKE_CURRENT_BINARY_DIR}/${target}.symbols-checked")
    add_custom_command(
      OUTPUT "${stamp}"
      COMMAND "${Python_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/check_symbols.py"
              --nm "${CMAKE_NM}" --stamp "${stamp}" ${checked}
      DEPENDS ${objects} "${CMAKE_SOURCE_DIR}/tools/check_symbols.py"
      COMMENT "Checking that kernel variants share no symbol"
      COMMAND_EXPAND_LISTS VERBATIM)
    add_custom_target(${target}_symbols ALL DEPENDS "${stamp}")
    add_dependencies(${target} ${target}_symbols)
  endif()
endfunction()

# Eigen's headers: from the build requirement cmeel-eigen, found by the Python that runs the build (under build
# isolation only that one has it), else from a system Eigen 3.4 or newer.
# Sets CNNFAST_EIGEN_VERSION, and CNNFAST_EIGEN_HEADERS to the folder of a copy (keep_headers.cmake).

if(NOT CNNFAST_EIGEN_INCLUDE)
  set(failed TRUE)
  if(Python_Interpreter_FOUND)
    execute_process(
      COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/../tools/find_eigen.py"
      OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  endif()
  if(NOT failed)
    set(CNNFAST_EIGEN_INCLUDE "${found}")
  else()
    find_package(Eigen3 3.4 CONFIG QUIET)
    if(NOT Eigen3_FOUND)
      message(FATAL_ERROR "Eigen 3.4 or newer was not found. Install the Python package cmeel-eigen in the "
                          "environment that builds, or a system Eigen, or set CNNFAST_EIGEN_INCLUDE.")
    endif()
    get_target_property(CNNFAST_EIGEN_INCLUDE Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
  endif()
endif()

foreach(header Macros.h Version)
  foreach(place "Eigen/src/Core/util/${header}" "Eigen/${header}")
    if(EXISTS "${CNNFAST_EIGEN_INCLUDE}/${place}")
      file(STRINGS "${CNNFAST_EIGEN_INCLUDE}/${place}" lines REGEX "#define EIGEN_(WORLD|MAJOR|MINOR|PATCH)_VERSION")
      foreach(line ${lines})
        if(line MATCHES "EIGEN_([A-Z]+)_VERSION +([0-9]+)")
          set(eigen_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
        endif()
      endforeach()
    endif()
  endforeach()
endforeach()
if(eigen_PATCH MATCHES "^[0-9]+$" AND eigen_MAJOR GREATER 4)
  set(CNNFAST_EIGEN_VERSION "${eigen_MAJOR}.${eigen_MINOR}.${eigen_PATCH}")
else()
  set(CNNFAST_EIGEN_VERSION "${eigen_WORLD}.${eigen_MAJOR}.${eigen_MINOR}")
endif()
cnnfast_keep_headers(CNNFAST_EIGEN_HEADERS "${CNNFAST_EIGEN_INCLUDE}" "Eigen/*")
# Only Eigen's packets are used. The header Eigen/Packets is Eigen/Core without what comes after them: matrices, which take
# long to compile.
file(READ "${CNNFAST_EIGEN_HEADERS}/Eigen/Core" core)
string(FIND "${core}" "#include \"src/Core/functors/" behind_packets)
string(FIND "${core}" "#include \"src/Core/util/ReenableStupidWarnings.h\"" end)
if(behind_packets GREATER 0 AND end GREATER behind_packets)
  string(SUBSTRING "${core}" 0 ${behind_packets} packets)
  string(SUBSTRING "${core}" ${end} -1 end)
  set(core "${packets}${end}")
endif()
file(CONFIGURE OUTPUT "headers/Eigen/Packets" CONTENT "${core}" @ONLY)
message(STATUS "Eigen ${CNNFAST_EIGEN_VERSION}: ${CNNFAST_EIGEN_INCLUDE}")

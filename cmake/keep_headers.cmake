# cnnfast_keep_headers(variable FOLDER PATTERN): copies the headers FOLDER/PATTERN to the build folder and sets `variable`
# to the copy. Pip installs build requirements into a folder with a new name each time; if the compiler's command lines
# contained that name, everything would be compiled again. Files that did not change keep their time stamps.
function(cnnfast_keep_headers variable folder pattern)
  set(copy "${CMAKE_BINARY_DIR}/headers")
  file(GLOB_RECURSE files RELATIVE "${folder}" "${folder}/${pattern}")
  foreach(file ${files})
    get_filename_component(place "${copy}/${file}" DIRECTORY)
    file(MAKE_DIRECTORY "${place}")
    file(COPY_FILE "${folder}/${file}" "${copy}/${file}" ONLY_IF_DIFFERENT)
  endforeach()
  set(${variable} "${copy}" PARENT_SCOPE)
endfunction()

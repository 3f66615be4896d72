# Writes the text of IN as a C++ constant to OUT; in pieces, since a literal has a limit. Text alone: no NUL.
file(READ ${IN} text)
string(LENGTH "${text}" length)
set(pieces "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 8000 piece)
  string(APPEND pieces "R\"embedded(${piece})embedded\"\n")
  math(EXPR at "${at} + 8000")
endwhile()
file(WRITE ${OUT} "#include <string_view>\nnamespace lockstep::embedded {\nextern const std::string_view ${NAME};\n"
                  "const std::string_view ${NAME} = ${pieces};\n}\n")

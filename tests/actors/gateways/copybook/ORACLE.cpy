      *> Every usage that is understood, for a compiler to read and write.
       01  ORACLE-RECORD.
           05  TEXT-1          PIC X(5).
           05  LETTERS         PIC A(3).
           05  RIGHT-1         PIC X(4) JUSTIFIED RIGHT.
           05  ZONED-U         PIC 9(4).
           05  ZONED-S         PIC S9(4).
           05  ZONED-L         PIC S9(3) SIGN IS LEADING.
           05  ZONED-TS        PIC S9(3) TRAILING SEPARATE CHARACTER.
           05  ZONED-LS        PIC S9(3)V99 SIGN IS LEADING SEPARATE.
           05  SCALED          PIC 9(3)P(2).
           05  SMALL           PIC SVPP9(3).
           05  PACKED-U        PIC 9(4) PACKED-DECIMAL.
           05  PACKED-S        PIC S9(5)V99 USAGE IS COMP-3.
           05  PACKED-L        PIC S9(18) COMP-3.
           05  BIN-2           PIC S9(4) COMP.
           05  BIN-4           PIC 9(9) BINARY.
           05  BIN-8           PIC S9(16)V99 COMP-4.
           05  NATIVE-2        PIC 9(4) COMP-5.
           05  NATIVE-8        PIC S9(18) COMP-5.
           05  ROW             OCCURS 2 TIMES INDEXED BY ROW-I.
               10  ROW-N       PIC S9(3) COMP-3.
               10  FILLER      PIC X.
               10  ROW-X       PIC X(2).
           05  BOTH            PIC 9(4).
           05  BOTH-X          REDEFINES BOTH PIC X(4).
           05  LAST-1          PIC X(2).
           05  HOW-MANY        PIC 9.
           05  TABLE-1         OCCURS 0 TO 3 DEPENDING ON HOW-MANY.
               10  CELL        PIC S9(2) COMP-3.

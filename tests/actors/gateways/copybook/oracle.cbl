       IDENTIFICATION DIVISION.
       PROGRAM-ID. ORACLE.
      *> WRITE: every line of values.txt becomes a record of out.dat.
      *> READ: every record of in.dat becomes a line of values.out.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT IN-VALUES ASSIGN TO "values.txt"
               ORGANIZATION IS LINE SEQUENTIAL.
           SELECT OUT-VALUES ASSIGN TO "values.out"
               ORGANIZATION IS LINE SEQUENTIAL.
           SELECT IN-RECORDS ASSIGN TO "in.dat"
               ORGANIZATION IS SEQUENTIAL.
           SELECT OUT-RECORDS ASSIGN TO "out.dat"
               ORGANIZATION IS SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD  IN-VALUES.
       01  IN-LINE             PIC X(200).
       FD  OUT-VALUES.
       01  OUT-LINE            PIC X(200).
       FD  IN-RECORDS.
       01  IN-RECORD           PIC X(120).
       FD  OUT-RECORDS.
       01  OUT-RECORD          PIC X(120).
       WORKING-STORAGE SECTION.
       COPY "ORACLE.cpy".
       COPY "ACCTREQ.cpy".
       COPY "ACCTINQ.cpy".
       COPY "ACCTRPL.cpy".
       COPY "ACCTCHG.cpy".
       01  HOW                 PIC X(5).
       01  IS-END              PIC X VALUE "N".
       01  LENGTHS             PIC 9(4).
       01  PLAIN.
           05  P-TEXT-1        PIC X(5).
           05  P-LETTERS       PIC X(3).
           05  P-RIGHT-1       PIC X(4).
           05  P-ZONED-U       PIC S9(4) SIGN LEADING SEPARATE.
           05  P-ZONED-S       PIC S9(4) SIGN LEADING SEPARATE.
           05  P-ZONED-L       PIC S9(3) SIGN LEADING SEPARATE.
           05  P-ZONED-TS      PIC S9(3) SIGN LEADING SEPARATE.
           05  P-ZONED-LS      PIC S9(3)V99 SIGN LEADING SEPARATE.
           05  P-SCALED        PIC S9(5) SIGN LEADING SEPARATE.
           05  P-SMALL         PIC SV9(5) SIGN LEADING SEPARATE.
           05  P-PACKED-U      PIC S9(4) SIGN LEADING SEPARATE.
           05  P-PACKED-S      PIC S9(5)V99 SIGN LEADING SEPARATE.
           05  P-PACKED-L      PIC S9(18) SIGN LEADING SEPARATE.
           05  P-BIN-2         PIC S9(4) SIGN LEADING SEPARATE.
           05  P-BIN-4         PIC S9(9) SIGN LEADING SEPARATE.
           05  P-BIN-8         PIC S9(16)V99 SIGN LEADING SEPARATE.
           05  P-NATIVE-2      PIC S9(4) SIGN LEADING SEPARATE.
           05  P-NATIVE-8      PIC S9(18) SIGN LEADING SEPARATE.
           05  P-ROW           OCCURS 2 TIMES.
               10  P-ROW-N     PIC S9(3) SIGN LEADING SEPARATE.
               10  P-ROW-X     PIC X(2).
           05  P-BOTH          PIC S9(4) SIGN LEADING SEPARATE.
           05  P-HOW-MANY      PIC S9 SIGN LEADING SEPARATE.
           05  P-CELL          PIC S9(2) SIGN LEADING SEPARATE
                               OCCURS 3 TIMES.
           05  P-LAST-1        PIC X(2).
           05  P-END           PIC X VALUE "|".
       01  I                   PIC 9(4) COMP.
       PROCEDURE DIVISION.
           ACCEPT HOW FROM ARGUMENT-VALUE
           EVALUATE HOW
               WHEN "WRITE" PERFORM WRITE-ALL
               WHEN "READ" PERFORM READ-ALL
               WHEN OTHER PERFORM SAY-LENGTHS
           END-EVALUATE
           GOBACK.
       SAY-LENGTHS.
           MOVE LENGTH OF ACCOUNT-CREATE-REQUEST TO LENGTHS
           DISPLAY LENGTHS
           MOVE LENGTH OF ACCOUNT-INQUIRY-REQUEST TO LENGTHS
           DISPLAY LENGTHS
           MOVE LENGTH OF ACCOUNT-REPLY TO LENGTHS
           DISPLAY LENGTHS
           MOVE LENGTH OF PROFILE-CHANGE TO LENGTHS
           DISPLAY LENGTHS
           MOVE "ONB-2025-00123" TO CLIENT-ID OF ACCOUNT-CREATE-REQUEST
           MOVE "MARIE" TO FIRST-NAME
           MOVE "TREMBLAY" TO LAST-NAME
           MOVE 123456789 TO SSN
           MOVE "123 RUE SHERBROOKE" TO ADDRESS-LINE-1
           MOVE "MONTREAL" TO CITY
           MOVE "QC" TO PROVINCE
           MOVE "H3A1B1" TO POSTAL-CODE
           DISPLAY ACCOUNT-CREATE-REQUEST "|".
       WRITE-ALL.
           OPEN INPUT IN-VALUES OUTPUT OUT-RECORDS
           PERFORM UNTIL IS-END = "Y"
               READ IN-VALUES
                   AT END MOVE "Y" TO IS-END
                   NOT AT END PERFORM WRITE-ONE
               END-READ
           END-PERFORM
           CLOSE IN-VALUES OUT-RECORDS.
       WRITE-ONE.
           MOVE IN-LINE TO PLAIN
           MOVE P-HOW-MANY TO HOW-MANY
           MOVE P-TEXT-1 TO TEXT-1
           MOVE P-LETTERS TO LETTERS
           MOVE P-RIGHT-1 TO RIGHT-1
           MOVE P-ZONED-U TO ZONED-U
           MOVE P-ZONED-S TO ZONED-S
           MOVE P-ZONED-L TO ZONED-L
           MOVE P-ZONED-TS TO ZONED-TS
           MOVE P-ZONED-LS TO ZONED-LS
           MOVE P-SCALED TO SCALED
           MOVE P-SMALL TO SMALL
           MOVE P-PACKED-U TO PACKED-U
           MOVE P-PACKED-S TO PACKED-S
           MOVE P-PACKED-L TO PACKED-L
           MOVE P-BIN-2 TO BIN-2
           MOVE P-BIN-4 TO BIN-4
           MOVE P-BIN-8 TO BIN-8
           MOVE P-NATIVE-2 TO NATIVE-2
           MOVE P-NATIVE-8 TO NATIVE-8
           MOVE SPACES TO ROW(1) ROW(2)
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > 2
               MOVE P-ROW-N(I) TO ROW-N(I)
               MOVE P-ROW-X(I) TO ROW-X(I)
           END-PERFORM
           MOVE P-BOTH TO BOTH
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > HOW-MANY
               MOVE P-CELL(I) TO CELL(I)
           END-PERFORM
           MOVE P-LAST-1 TO LAST-1
           MOVE ORACLE-RECORD TO OUT-RECORD
           WRITE OUT-RECORD.
       READ-ALL.
           OPEN INPUT IN-RECORDS OUTPUT OUT-VALUES
           PERFORM UNTIL IS-END = "Y"
               READ IN-RECORDS
                   AT END MOVE "Y" TO IS-END
                   NOT AT END PERFORM READ-ONE
               END-READ
           END-PERFORM
           CLOSE IN-RECORDS OUT-VALUES.
       READ-ONE.
           MOVE 3 TO HOW-MANY
           MOVE IN-RECORD TO ORACLE-RECORD
           MOVE HOW-MANY TO P-HOW-MANY
           MOVE TEXT-1 TO P-TEXT-1
           MOVE LETTERS TO P-LETTERS
           MOVE RIGHT-1 TO P-RIGHT-1
           MOVE ZONED-U TO P-ZONED-U
           MOVE ZONED-S TO P-ZONED-S
           MOVE ZONED-L TO P-ZONED-L
           MOVE ZONED-TS TO P-ZONED-TS
           MOVE ZONED-LS TO P-ZONED-LS
           MOVE SCALED TO P-SCALED
           MOVE SMALL TO P-SMALL
           MOVE PACKED-U TO P-PACKED-U
           MOVE PACKED-S TO P-PACKED-S
           MOVE PACKED-L TO P-PACKED-L
           MOVE BIN-2 TO P-BIN-2
           MOVE BIN-4 TO P-BIN-4
           MOVE BIN-8 TO P-BIN-8
           MOVE NATIVE-2 TO P-NATIVE-2
           MOVE NATIVE-8 TO P-NATIVE-8
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > 2
               MOVE ROW-N(I) TO P-ROW-N(I)
               MOVE ROW-X(I) TO P-ROW-X(I)
           END-PERFORM
           MOVE BOTH TO P-BOTH
           PERFORM VARYING I FROM 1 BY 1 UNTIL I > 3
               MOVE 0 TO P-CELL(I)
               IF I NOT > HOW-MANY
                   MOVE CELL(I) TO P-CELL(I)
               END-IF
           END-PERFORM
           MOVE LAST-1 TO P-LAST-1
           MOVE PLAIN TO OUT-LINE
           WRITE OUT-LINE.

       IDENTIFICATION DIVISION.
       PROGRAM-ID. REQUESTS.
      *> Every record of request.dat, which is EBCDIC (code page 500),
      *> becomes lines: each of its fields as it stands, a bar behind
      *> it, then whether its number is one, and the double of it.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT REQUESTS-FILE ASSIGN TO "request.dat"
               ORGANIZATION IS SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD  REQUESTS-FILE.
       COPY "ACCTREQ.cpy".
       WORKING-STORAGE SECTION.
       COPY "PAGE500.cpy".
       01  IS-END              PIC X VALUE "N".
       01  TWICE               PIC 9(10).
       PROCEDURE DIVISION.
           OPEN INPUT REQUESTS-FILE
           PERFORM UNTIL IS-END = "Y"
               READ REQUESTS-FILE
                   AT END MOVE "Y" TO IS-END
                   NOT AT END PERFORM SAY-ONE
               END-READ
           END-PERFORM
           CLOSE REQUESTS-FILE
           GOBACK.
       SAY-ONE.
           INSPECT ACCOUNT-CREATE-REQUEST
               CONVERTING EBCDIC-SIDE TO ASCII-SIDE
           DISPLAY TRAN-CODE "|"
           DISPLAY CLIENT-ID "|"
           DISPLAY FIRST-NAME "|"
           DISPLAY LAST-NAME "|"
           DISPLAY SSN "|"
           DISPLAY ADDRESS-LINE-1 "|"
           DISPLAY CITY "|"
           DISPLAY PROVINCE "|"
           DISPLAY POSTAL-CODE "|"
           DISPLAY ACCOUNT-TYPE "|"
           IF SSN IS NUMERIC
               ADD SSN SSN GIVING TWICE
               DISPLAY TWICE "|"
           ELSE
               DISPLAY "NOT NUMERIC|"
           END-IF.
